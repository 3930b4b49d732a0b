// An nginx in front of a server that would answer to any Host: nginx/guard.conf.template.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makePassable } from '../data-folder.ts';
import { findExecutable } from '../packages.ts';
import { repository } from '../paths.ts';
import { isListening } from '../ports.ts';
import type { Program } from '../program.ts';
import { ownFolder, serverAccount, writeReadable, type Account } from '../system-account.ts';
import { fillTemplate, safeHosts } from './nginx.ts';

export interface GuardOptions {
  name: string;
  /** Holds the configuration and temporary files. */
  directory: string;
  /** As whom it runs, where root starts it: who may reach the server. */
  account: string;
  port: number;
  portVariable: string;
  /** Host and port of the server. */
  upstream: string;
  /** What the server asks of the guard alone. */
  authorization?: () => string;
  allowedHosts: string;
  needs: string[];
  environment: Record<string, string>;
}

const template = path.join(repository, 'nginx/guard.conf.template');

export function guard(options: GuardOptions): Program {
  const { name, directory, port, needs, environment } = options;
  const configuration = path.join(directory, 'nginx.conf');
  const files = path.join(directory, 'files');
  const account = (): Account | undefined => serverAccount(options.account, path.dirname(directory));
  return {
    kind: 'program',
    name,
    needs,
    ports: [{ port, variable: options.portVariable }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5_000,
    async prepare() {
      makePassable(directory);
      ownFolder(files, account());
      const values = {
        GUARD_DIRECTORY: files,
        GUARD_LISTEN: `127.0.0.1:${port}`,
        GUARD_UPSTREAM: options.upstream,
        GUARD_AUTHORIZATION: options.authorization?.() ?? '',
        ALLOWED_HOSTS: safeHosts(options.allowedHosts),
      };
      writeReadable(account(), configuration, fillTemplate(readFileSync(template, 'utf8'), values));
    },
    command: () => ({
      argv: [
        findExecutable('nginx') ?? 'nginx',
        ...['-e', 'stderr', '-p', files, '-c', configuration, '-g', 'daemon off;'],
      ],
      environment,
      directory: files,
      ...account(),
    }),
    isReady: () => isListening(port),
  };
}
