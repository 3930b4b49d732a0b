// Adminer, a web page that shows the databases, on PHP's own web server, from copies of the pages in stack/adminer: a server
// without rights does not get to a working copy of root's.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makePassable } from '../data-folder.ts';
import { adminerDirectory } from '../packages.ts';
import type { Program } from '../program.ts';
import { ownFolder, serverAccount, writeReadable, type Account } from '../system-account.ts';
import { answersOk } from './node-service.ts';

export interface AdminerOptions {
  /** Holds its pages, and its sessions, which know passwords. */
  directory: string;
  port: number;
  /** The servers in its drop-down, by name: host and port. */
  servers: Record<string, string>;
  /** Names that it may be asked by, beside those of this machine, separated by commas. */
  allowedHosts: string;
  needs: string[];
  environment: Record<string, string>;
}

const sources = path.join(import.meta.dirname, '../adminer');
const pages = ['index.php', 'allowed-hosts.php'];

export function adminer(options: AdminerOptions): Program {
  const { directory, port, servers, needs, environment } = options;
  const sessions = path.join(directory, 'sessions');
  const account = (): Account | undefined => serverAccount('adminer', path.dirname(directory));
  return {
    kind: 'program',
    name: 'adminer',
    needs,
    ports: [{ port, variable: 'ADMINER_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 2_000,
    async prepare() {
      makePassable(directory);
      rmSync(path.join(path.dirname(directory), 'adminer-sessions'), { recursive: true, force: true }); // of earlier versions
      ownFolder(sessions, account());
      for (const page of pages) {
        writeReadable(account(), path.join(directory, page), readFileSync(path.join(sources, page), 'utf8'));
      }
    },
    command: () => ({
      argv: ['php', '-S', `127.0.0.1:${port}`, ...parameters(sessions), path.join(directory, 'index.php')],
      environment: {
        ...environment,
        ADMINER_DIRECTORY: adminerDirectory() ?? '',
        ALLOWED_HOSTS: options.allowedHosts,
        ADMINER_SERVERS: JSON.stringify(servers),
        ADMINER_HINT: 'User postgres, with POSTGRES_PASSWORD of .env',
      },
      directory,
      ...account(),
    }),
    isReady: () => answersOk(`http://127.0.0.1:${port}/`),
  };
}

/** Debian leaves the removal of old sessions to a timer of the system's, which knows only its own folder. */
function parameters(sessions: string): string[] {
  const settings = {
    display_errors: '0',
    'session.save_path': sessions,
    'session.gc_probability': '1',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-d', `${name}=${value}`]);
}
