// Adminer, a web page that shows the databases, on PHP's own web server.
import path from 'node:path';
import { makePrivate } from '../data-folder.ts';
import { adminerDirectory } from '../packages.ts';
import type { Program } from '../program.ts';
import { answersOk } from './node-service.ts';

export interface AdminerOptions {
  /** Holds its sessions, which know passwords. */
  directory: string;
  port: number;
  /** The servers in its drop-down, by name: host and port. */
  servers: Record<string, string>;
  needs: string[];
  environment: Record<string, string>;
}

const indexPage = path.join(import.meta.dirname, '../adminer/index.php');

export function adminer({ directory, port, servers, needs, environment }: AdminerOptions): Program {
  return {
    kind: 'program',
    name: 'adminer',
    needs,
    ports: [{ port, variable: 'ADMINER_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 2_000,
    prepare: async () => makePrivate(directory),
    command: () => ({
      argv: ['php', '-S', `127.0.0.1:${port}`, ...options(directory), indexPage],
      environment: {
        ...environment,
        ADMINER_DIRECTORY: adminerDirectory() ?? '',
        ADMINER_SERVERS: JSON.stringify(servers),
        ADMINER_HINT: 'User postgres, with POSTGRES_PASSWORD of .env',
      },
      directory: path.dirname(indexPage),
    }),
    isReady: () => answersOk(`http://127.0.0.1:${port}/`),
  };
}

/** Debian leaves the removal of old sessions to a timer of the system's, which knows only its own folder. */
function options(directory: string): string[] {
  const settings = { display_errors: '0', 'session.save_path': directory, 'session.gc_probability': '1' };
  return Object.entries(settings).flatMap(([name, value]) => ['-d', `${name}=${value}`]);
}
