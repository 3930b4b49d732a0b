// A PostgreSQL server of a test's own, which takes nothing but TLS.
import { chmodSync, chownSync, copyFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { CertificateFiles } from './certificate.ts';
import { baseEnvironment } from './environment.ts';
import { reservePorts } from './ports.ts';
import { postgres } from './programs/postgres.ts';
import { Supervisor } from './supervisor.ts';
import { fastAndForgetful, newTestDirectory } from './test-directories.ts';
import { startTestServers } from './test-servers.ts';

export interface SecurePostgres {
  port: number;
  /** Of its superuser. */
  credentials: string;
  stop(): Promise<void>;
}

/** Starts a server that shows this certificate. */
export async function startSecurePostgres({ certificate, key }: CertificateFiles): Promise<SecurePostgres> {
  const directory = newTestDirectory();
  const reserved = await reservePorts(1);
  const [port = 0] = reserved.ports;
  const dataDirectory = path.join(directory, 'postgres');
  const [user, password] = ['postgres', 'password'];
  const server = postgres({
    name: 'postgres',
    dataDirectory,
    port,
    portVariable: 'USER_DB_PORT',
    user,
    password,
    databases: [],
    settings: { ...fastAndForgetful, ssl: 'on' },
    environment: baseEnvironment(),
  });
  const withCertificate = async () => {
    await server.prepare?.();
    const { uid, gid } = statSync(dataDirectory);
    for (const [source, name] of [
      [certificate, 'server.crt'],
      [key, 'server.key'],
    ] as const) {
      const file = path.join(dataDirectory, name); // where PostgreSQL looks for it
      copyFileSync(source, file);
      chmodSync(file, 0o600);
      chownSync(file, uid, gid);
    }
  };
  const supervisor = new Supervisor({ directory, scope: 'test', parts: [{ ...server, prepare: withCertificate }] });
  const cleanUp = async () => {
    rmSync(directory, { recursive: true, force: true });
    await reserved.release();
  };
  const stop = await startTestServers(supervisor, cleanUp);
  return {
    port,
    credentials: `${user}:${password}`,
    stop,
  };
}
