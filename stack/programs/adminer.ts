// Adminer, a web page that shows the databases, on PHP's own web server.
import path from 'node:path';
import { adminerDirectory } from '../packages.ts';
import { isListening } from '../ports.ts';
import type { Program } from '../program.ts';

export interface AdminerOptions {
  port: number;
  /** The servers in its drop-down, by name: host and port. */
  servers: Record<string, string>;
  needs: string[];
  environment: Record<string, string>;
}

const indexPage = path.join(import.meta.dirname, '../adminer/index.php');

export function adminer({ port, servers, needs, environment }: AdminerOptions): Program {
  return {
    kind: 'server',
    name: 'adminer',
    needs,
    ports: [{ port, variable: 'ADMINER_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 2_000,
    command: () => ({
      argv: ['php', '-S', `127.0.0.1:${port}`, '-d', 'display_errors=0', indexPage],
      environment: {
        ...environment,
        ADMINER_DIRECTORY: adminerDirectory() ?? '',
        ADMINER_SERVERS: JSON.stringify(servers),
      },
      directory: path.dirname(indexPage),
    }),
    isReady: () => isListening(port),
  };
}
