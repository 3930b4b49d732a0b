import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  createTestDatabase,
  eventually,
  startTraceCollector,
  type TestDatabase,
  type TraceCollector,
  testOperation,
} from '@shop/testing';
import { PrismaClient } from '../../test/generated/prisma/client.js';
import { RecordingLogger } from '../../test/messaging/fixtures.js';
import { AccessTokenVerifier, RevocationList } from '../auth/index.js';
import { createDatabaseAdapter } from '../database/index.js';
import { createMetrics } from '../metrics/index.js';
import { startTracing, type Tracing } from '../tracing/index.js';
import {
  buildServiceApp,
  listen,
  ok,
  publicRoute,
  ServiceClient,
  type HttpServer,
  type Probe,
  type Route,
} from './index.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SECRET = 'secret-42';

let collector: TraceCollector;
let database: TestDatabase;
let tracing: Tracing;
let client: PrismaClient;
const servers: HttpServer[] = [];

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
});
beforeEach(async () => {
  collector = await startTraceCollector();
  tracing = (await startTracing(
    { endpoint: collector.endpoint, samplingRatio: 1 },
    { service: 'test-service', version: '1', logger: new RecordingLogger() },
  ))!;
  client = new PrismaClient({
    adapter: createDatabaseAdapter({ url: database.url, poolSize: 2, applicationName: 'test', tracing }),
  });
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(0);
  await client.$disconnect();
  await tracing.stop();
  await collector.stop();
});
afterAll(() => database.drop());

/** A service with these routes; the URL that it answers at. */
async function serve(routes: Route[], probes: Record<string, Probe> = {}): Promise<string> {
  const metrics = createMetrics({ service: 'test-service' });
  const revocations = new RevocationList({ lifetime: 1_000 });
  const app = buildServiceApp({
    service: 'test-service',
    version: '1',
    logger: new RecordingLogger(),
    metrics,
    tracing,
    verifier: new AccessTokenVerifier({ publicKeys: [], issuer: '', audience: '', revocations }),
    probes,
    isStopping: () => false,
    corsOrigins: [],
    trustedProxies: [],
    requestsPerSecond: 1_000,
    routes: { '/things': routes },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

const get = (path: string, handle: () => Promise<unknown>): Route =>
  publicRoute({ operation: testOperation, method: 'GET', path, handle: async () => ok('', await handle()) });

const ask = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, ...headers } });

/** All spans, once there are so many. */
const spans = (count: number) =>
  eventually(() => {
    expect(collector.spans).toHaveLength(count);
    return collector.spans;
  });

describe('the trace of a request', () => {
  it('an answer -> a span by method and route, in the trace that the caller names and gets back', async () => {
    const url = await serve([get('/:id', async () => 'thing')]);
    const response = await ask(`${url}/things/${SECRET}`, { 'x-request-id': 'request-1' });

    const [span] = await spans(1);
    expect(span).toMatchObject({
      name: 'GET /things/:id',
      kind: 'server',
      traceId: TRACE,
      parentSpanId: '00f067aa0ba902b7',
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/things/:id',
        'http.response.status_code': 200,
        'request.id': 'request-1',
      },
      isFailed: false,
    });
    expect(response.headers.get('traceparent')).toBe(`00-${TRACE}-${span?.spanId}-01`);
    expect(collector.bodies.join()).not.toContain(SECRET);
  });

  it('an error of ours -> failed; one of the client -> not', async () => {
    const url = await serve([
      get('/broken', async () => {
        throw new Error(SECRET);
      }),
    ]);
    await ask(`${url}/things/broken`);
    await ask(`${url}/things/missing/at/${SECRET}?password=${SECRET}`);

    const found = await spans(2);
    expect(found.map(({ name, isFailed, attributes }) => [name, isFailed, attributes['error.type']])).toEqual([
      ['GET /things/broken', true, '500'],
      ['GET other', false, undefined],
    ]);
    expect(collector.bodies.join()).not.toContain(SECRET);
  });

  it('probes -> no span: they would bury all others', async () => {
    let asked = 0;
    const database: Probe = {
      required: true,
      state: async () => {
        asked++;
        await client.$queryRaw`SELECT 1`;
        return 'up' as const;
      },
    };
    const url = await serve([get('/', async () => 'thing')], { database });
    for (const path of ['/health', '/ready', '/metrics', '/ready?by=somebody']) {
      await ask(url + path);
      await fetch(url + path);
    }
    expect(asked).toBeGreaterThanOrEqual(4); // at /metrics, too
    await ask(`${url}/things`);

    expect((await spans(1)).map(({ name }) => name)).toEqual(['GET /things']);
  });

  it('queries, alone and in a transaction -> a span each, named by what they do and no value', async () => {
    const url = await serve([
      get('/', async () => {
        await client.author.findMany({ where: { email: SECRET } });
        await client.$transaction(async (transaction) => {
          await transaction.author.create({ data: { id: randomUUID(), email: SECRET } });
          await transaction.$executeRaw`UPDATE authors SET email = ${SECRET} WHERE email = ${SECRET}`;
        });
        return client.$queryRaw`SELECT nothing FROM nowhere`.catch(() => 'failed');
      }),
    ]);
    await ask(`${url}/things`);

    const found = await eventually(() => {
      expect(collector.spans.some(({ kind }) => kind === 'server')).toBe(true);
      return collector.spans;
    });
    const server = found.find(({ kind }) => kind === 'server');
    const queries = found.filter(({ kind }) => kind === 'client');
    expect(queries.map(({ name, isFailed }) => [name, isFailed])).toEqual(
      expect.arrayContaining([
        ['SELECT authors', false],
        ['INSERT authors', false],
        ['UPDATE authors', false],
        ['COMMIT', false],
        ['SELECT nowhere', true],
      ]),
    );
    for (const { traceId, parentSpanId } of queries) expect([traceId, parentSpanId]).toEqual([TRACE, server?.spanId]);
    expect(collector.bodies.join()).not.toContain(SECRET);
  });

  it('what the process asks of itself -> no span', async () => {
    await client.author.findMany();
    await tracing.stop();

    expect(collector.spans).toEqual([]);
  });

  it('a call of another service -> its span is a child of ours, and the parent of that service', async () => {
    const callee = await serve([get('/', async () => 'thing')]);
    const service = new ServiceClient({
      name: 'other-service',
      url: callee,
      timeout: 5_000,
      metrics: createMetrics({ service: 'caller' }),
      tracing,
    });
    const caller = await serve([
      get('/', async () => (await service.call(z.string(), { method: 'GET', path: '/things' })).data),
    ]);
    await ask(`${caller}/things`);
    await service.close();

    const found = await spans(3);
    const [ofCaller] = found.filter(({ parentSpanId }) => parentSpanId === '00f067aa0ba902b7');
    const [call] = found.filter(({ parentSpanId }) => parentSpanId === ofCaller?.spanId);
    const [ofCallee] = found.filter(({ parentSpanId }) => parentSpanId === call?.spanId);
    expect(found.every(({ traceId }) => traceId === TRACE)).toBe(true);
    expect(call).toMatchObject({
      name: 'GET other-service',
      kind: 'client',
      attributes: { 'server.address': 'other-service', 'http.response.status_code': 200 },
    });
    expect(ofCallee).toMatchObject({ name: 'GET /things', kind: 'server' });
  });

  it('a call that is refused, and one that nobody answers -> failed', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const callee = await serve([]);
    const errors: unknown[] = [];
    const calls = [callee, `http://127.0.0.1:${port}`].map(
      (url) =>
        new ServiceClient({
          name: 'other-service',
          url,
          timeout: 1_000,
          metrics: createMetrics({ service: 'caller' }),
          tracing,
        }),
    );
    const caller = await serve([
      get('/', async () => {
        for (const service of calls) {
          await service
            .call(z.string(), { method: 'GET', path: '/nowhere' })
            .catch((error: unknown) => errors.push(error));
        }
      }),
    ]);
    await ask(`${caller}/things`);
    for (const service of calls) await service.close();

    expect(errors).toHaveLength(2);
    const failed = (await spans(4)).filter(({ isFailed }) => isFailed);
    expect(failed.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
      ['GET other-service', '404'],
      ['GET other-service', 'SERVICE_UNAVAILABLE'],
    ]);
  });
});
