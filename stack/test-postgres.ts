// A PostgreSQL server of a test's own, which takes nothing but TLS.
import { chmodSync, chownSync, copyFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { CertificateFiles } from './certificate.ts';
import { baseEnvironment } from './environment.ts';
import { postgres } from './programs/postgres.ts';
import { fastAndForgetful } from './test-directories.ts';
import { reserveTestPlace } from './test-servers.ts';

export interface SecurePostgres {
  port: number;
  /** Of its superuser. */
  credentials: string;
  stop(): Promise<void>;
}

/** Starts a server that shows this certificate. */
export async function startSecurePostgres({ certificate, key }: CertificateFiles): Promise<SecurePostgres> {
  const [user, password] = ['postgres', 'password'];
  const { directory, ports, start } = await reserveTestPlace(1);
  const [port = 0] = ports;
  const dataDirectory = path.join(directory, 'postgres');
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
  const { stop } = await start([{ ...server, prepare: withCertificate }]);
  return { port, credentials: `${user}:${password}`, stop };
}
