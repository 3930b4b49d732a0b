import { request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestTokens, eventually, testOperation } from '@shop/testing';
import { AccessTokenVerifier, RevocationList } from '../auth/index.js';
import { createLogger } from '../logger/index.js';
import { createMetrics } from '../metrics/index.js';
import { buildServiceApp, listen, ok, publicRoute, type DependencyState, type HttpServer } from './index.js';

const open: HttpServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop(100);
});

/** A service with one route, which answers when `release` is called. */
async function startService({ states = {} }: { states?: Record<string, DependencyState> } = {}) {
  const metrics = createMetrics({ service: 'test' });
  const held = Promise.withResolvers<undefined>();
  const arrived = Promise.withResolvers<undefined>();
  const app = buildServiceApp({
    service: 'test',
    version: '1',
    logger: createLogger({ service: 'test', level: 'error' }),
    metrics,
    verifier: new AccessTokenVerifier({
      ...createTestTokens(),
      revocations: new RevocationList({ lifetime: 3_600_000 }),
    }),
    probes: Object.fromEntries(
      Object.entries(states).map(([name, state]) => [name, { required: true, state: () => state }]),
    ),
    isStopping: () => false,
    corsOrigins: [],
    trustedProxies: [],
    requestsPerSecond: 1_000,
    routes: {
      '/api/v1/things': [
        publicRoute({
          operation: testOperation,
          method: 'GET',
          path: '/:id',
          handle: async () => {
            arrived.resolve(undefined);
            await held.promise;
            return ok('', null);
          },
        }),
      ],
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  open.push(server);
  /** Requests by method, route and status. */
  const counted = async (): Promise<string[]> => {
    const { values } = await metrics.httpServerResponses.get();
    return values
      .map(({ labels }) =>
        [labels.http_request_method, labels.http_route, labels.http_response_status_code].map(String).join(' '),
      )
      .sort();
  };
  const url = `http://127.0.0.1:${server.port}`;
  return { url, metrics, counted, arrived: arrived.promise, release: () => held.resolve(undefined) };
}

/** fetch doesn't send every method. */
const send = (url: string, method: string): Promise<void> =>
  new Promise((resolve, reject) => {
    request(url, { method, agent: false }, (response) => void response.resume().once('end', resolve))
      .once('error', reject)
      .end();
  });

describe('metrics of requests', () => {
  it('every sort of path and method -> by route and by methods that count, nothing that a client made up', async () => {
    const { url, counted, release } = await startService();
    release();
    for (const id of ['1', '2', '3']) await send(`${url}/api/v1/things/${id}`, 'GET');
    await send(`${url}/api/v1/things/4`, 'HEAD');
    for (const method of ['DELETE', 'PATCH', 'PROPFIND', 'OPTIONS']) await send(`${url}/api/v1/things/1`, method);
    for (const path of ['/nowhere', '/api/v1/nothing/1']) await send(url + path, 'GET');
    await send(`${url}/nowhere`, 'PURGE');

    await eventually(async () =>
      expect(await counted()).toEqual([
        'GET /api/v1/things/:id 200',
        'GET other 404',
        'OPTIONS other 204',
        '_OTHER other 404',
        '_OTHER other 405',
      ]),
    );
  });

  it('a route answers with several statuses -> each counted, and one duration for all of them', async () => {
    const { url, metrics, counted, release } = await startService();
    release();
    await send(`${url}/api/v1/things/1`, 'GET');
    await send(`${url}/api/v1/things/1?unknown=1`, 'GET');

    await eventually(async () =>
      expect(await counted()).toEqual(['GET /api/v1/things/:id 200', 'GET /api/v1/things/:id 400']),
    );
    const { values } = await metrics.httpServerRequestDuration.get();
    expect(values.filter(({ metricName }) => metricName?.endsWith('_count'))).toEqual([
      expect.objectContaining({
        labels: { http_request_method: 'GET', http_route: '/api/v1/things/:id' },
        value: 2,
      }),
    ]);
  });

  it('questions about health -> by their own routes, so that nobody takes them for work', async () => {
    const { url, counted } = await startService({ states: { database: 'down' } });
    for (const path of ['/health', '/ready', '/metrics']) await send(url + path, 'GET');

    await eventually(async () =>
      expect(await counted()).toEqual(['GET /health 200', 'GET /metrics 200', 'GET /ready 503']),
    );
  });

  it('the client goes away before there is an answer -> 499, and no success', async () => {
    const { url, counted, arrived, release } = await startService();
    const impatient = new AbortController();
    const asked = fetch(`${url}/api/v1/things/1`, { signal: impatient.signal });
    await arrived;
    impatient.abort();
    await expect(asked).rejects.toThrow();

    await eventually(async () => expect(await counted()).toEqual(['GET /api/v1/things/:id 499']));
    release();
  });

  it('dependencies that are up, behind and down -> 1 for those that do their work', async () => {
    const { metrics } = await startService({ states: { database: 'up', outbox: 'behind', broker: 'down' } });
    const { values } = (await metrics.registry.getSingleMetric('service_dependency_up')?.get()) ?? { values: [] };
    expect(values.map(({ labels, value }) => [labels.dependency, value])).toEqual([
      ['database', 1],
      ['outbox', 0],
      ['broker', 0],
    ]);
  });
});

describe('metrics of the process', () => {
  it('the event loop works and waits -> seconds of both, which only grow', async () => {
    const { metrics } = await startService();
    const seconds = async () => {
      const { values } = (await metrics.registry.getSingleMetric('nodejs_eventloop_time_seconds_total')?.get()) ?? {
        values: [],
      };
      return Object.fromEntries(values.map(({ labels, value }) => [labels.nodejs_eventloop_state, value]));
    };
    const before = await seconds();
    for (const until = performance.now() + 100; performance.now() < until;);
    const after = await seconds();
    expect(Number(after.active) - Number(before.active)).toBeGreaterThan(0.09);
    expect(after.idle).toBeGreaterThanOrEqual(Number(before.idle));
  });
});
