import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestBroker, eventually, type TestBroker } from '@shop/testing';
import type { CertificateFiles } from '../../../stack/certificate.ts';
import { makeCertificate } from '../../../stack/make-certificate.ts';
import { startSecurePostgres, type SecurePostgres } from '../../../stack/test-postgres.ts';
import { createTestClient } from '../../test/database/test-client.js';
import { createTestTopology, RecordingLogger } from '../../test/messaging/fixtures.js';
import { connectEngine } from '../database/migrations/engine-connection.js';
import { BrokerConnection, BrokerSession } from '../rabbitmq/index.js';

let directory: string;
let ours: CertificateFiles;
let others: CertificateFiles;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-tls-'));
  ours = makeCertificate(path.join(directory, 'ours'), ['localhost']);
  others = makeCertificate(path.join(directory, 'others'), ['localhost']);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('PostgreSQL by sslmode=verify-full', () => {
  let server: SecurePostgres;
  beforeAll(async () => (server = await startSecurePostgres(ours)));
  afterAll(() => server.stop());

  const urlOf = (root: CertificateFiles, host = 'localhost'): string => {
    const query = `sslmode=verify-full&sslrootcert=${encodeURIComponent(root.certificate)}`;
    return `postgresql://${server.credentials}@${host}:${server.port}/postgres?${query}`;
  };
  const askByPrisma = async (url: string): Promise<unknown> => {
    const { client } = createTestClient(url);
    try {
      return await client.$queryRaw`SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;
    } finally {
      await client.$disconnect();
    }
  };

  it('the right root -> connected by TLS, services as well as migrations', async () => {
    expect(await askByPrisma(urlOf(ours))).toEqual([{ ssl: true, version: 'TLSv1.3' }]);
    const engine = await connectEngine(urlOf(ours));
    const { rows } = await engine.queryRaw({ sql: 'SELECT 1', args: [], argTypes: [] });
    await engine.dispose();
    expect(rows).toEqual([[1]]);
  });

  it('another root, or another name than the certificate has -> refused', async () => {
    await expect(askByPrisma(urlOf(others))).rejects.toThrow(/self-signed certificate/);
    await expect(askByPrisma(urlOf(ours, '127.0.0.1'))).rejects.toThrow(/does not match certificate/);
    await expect(connectEngine(urlOf(others))).rejects.toThrow(/self-signed certificate/);
  });
});

describe('RabbitMQ by amqps://', () => {
  let broker: TestBroker;
  let front: Server;
  beforeAll(async () => {
    broker = await createTestBroker();
    const { hostname, port } = new URL(broker.url);
    const [cert, key] = [readFileSync(ours.certificate), readFileSync(ours.key)];
    front = createServer({ cert, key }, (secure) => {
      const plain = connectTo(Number(port), hostname);
      pipeline(secure, plain, secure, () => undefined); // whoever ends it, the other end closes, too
    });
    front.on('tlsClientError', () => undefined); // the client says why
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => front.close(resolve));
    await broker.stop();
  });

  const urlOf = (root: CertificateFiles, host = 'localhost'): string => {
    const url = new URL(broker.url.replace(/^amqp:/, 'amqps:'));
    const address = front.address();
    if (address === null || typeof address === 'string') throw new Error('it listens');
    url.host = `${host}:${address.port}`;
    url.searchParams.set('cacertfile', root.certificate);
    return url.href;
  };
  const topology = createTestTopology();
  const connect = (url: string) => {
    const logger = new RecordingLogger();
    return { logger, connection: new BrokerConnection({ url, name: 'test', topology, logger, confirmTimeout: 5_000 }) };
  };

  it('the right root -> connected, services as well as tools', async () => {
    const { connection } = connect(urlOf(ours));
    await eventually(() => expect(connection.state()).toBe('up'));
    await connection.stop();
    const session = await BrokerSession.open({ url: urlOf(ours), name: 'tool' });
    expect(await session.find('nothing')).toBeUndefined();
    await session.close();
  });

  it('another root, or another name than the certificate has -> refused', async () => {
    const open = (url: string) => BrokerSession.open({ url, name: 'tool' });
    await expect(open(urlOf(others))).rejects.toThrow(/SELF_SIGNED_CERT/);
    await expect(open(urlOf(ours, '127.0.0.1'))).rejects.toThrow(/ALTNAME_INVALID/);
    const { connection, logger } = connect(urlOf(others));
    const reasons = () => logger.entries.map(({ facts }) => String(facts?.err));
    await eventually(() => expect(reasons()).toContainEqual(expect.stringMatching(/self-signed certificate/)));
    expect(connection.state()).toBe('down');
    await connection.stop();
  });
});
