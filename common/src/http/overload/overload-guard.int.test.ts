import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ask, createTestTokens, eventually, testOperation } from '@shop/testing';
import { RecordingLogger } from '../../../test/messaging/fixtures.js';
import { AccessTokenVerifier, RevocationList } from '../../auth/index.js';
import { createMetrics } from '../../metrics/index.js';
import { buildServiceApp, listen, ok, OverloadGuard, publicRoute, type HttpServer } from '../index.js';

const running: { guard: OverloadGuard; server: HttpServer }[] = [];
afterEach(async () => {
  for (const { guard, server } of running.splice(0)) {
    await server.stop(0);
    guard.stop();
  }
});

/** A service with a queue that the test fills, and with a route that takes its event loop for as long as it is asked to. */
async function start() {
  const logger = new RecordingLogger();
  const metrics = createMetrics({ service: 'test' });
  const queue = { waiting: 0, served: 0 };
  const app = buildServiceApp({
    service: 'test',
    version: '1',
    logger,
    metrics,
    verifier: new AccessTokenVerifier({
      ...createTestTokens(),
      revocations: new RevocationList({ lifetime: 3_600_000 }),
    }),
    probes: {},
    isStopping: () => false,
    corsOrigins: ['https://shop.example.com'],
    trustedProxies: [],
    requestsPerSecond: 1_000,
    routes: {
      '/api': [
        publicRoute({ operation: testOperation, method: 'GET', path: '/', handle: async () => ok('', null) }),
        publicRoute({ operation: testOperation, method: 'POST', path: '/webhooks', handle: async () => ok('', null) }),
      ],
    },
  });
  const guard = new OverloadGuard({
    target: 200,
    queues: [queue],
    corsOrigins: ['https://shop.example.com'],
    exempt: ['/api/webhooks'],
    logger,
    metrics,
  });
  const server = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    admit: (request, response, begin) => guard.admit(request, response, begin),
  });
  running.push({ guard, server });
  const url = `http://127.0.0.1:${server.port}`;
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers });
  /** Has requests come, as they do in overload, until one is refused. */
  const untilRefused = () => eventually(async () => expect((await get('/api')).status).toBe(503));
  return { url, get, queue, untilRefused, guard, logger, metrics };
}

describe('a service whose queue does not move', () => {
  it('a request -> refused in the form of errors, with its id, and when to come again', async () => {
    const { get, queue, untilRefused } = await start();
    queue.waiting = 10;
    await untilRefused();

    const answer = await get('/api', { 'X-Request-Id': 'mine' });

    expect([answer.status, await answer.json()]).toEqual([
      503,
      {
        success: false,
        error: { code: 'SERVICE_UNAVAILABLE', message: 'Too busy, try again shortly' },
        requestId: 'mine',
      },
    ]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'retry-after': expect.stringMatching(/^[123]$/),
      'x-request-id': 'mine',
      traceparent: expect.stringMatching(/^00-[\da-f]{32}-[\da-f]{16}-/),
    });
  });

  it('an id that is not well-formed -> another one, in header and body', async () => {
    const { get, queue, untilRefused } = await start();
    queue.waiting = 10;
    await untilRefused();

    const answer = await get('/api', { 'X-Request-Id': '"}' });

    const { requestId } = (await answer.json()) as { requestId: string };
    expect(requestId).toMatch(/^[\da-f-]{36}$/);
    expect(answer.headers.get('x-request-id')).toBe(requestId);
  });

  it('a page of a known origin -> may read the refusal, and its preflight is answered', async () => {
    const { url, get, queue, untilRefused } = await start();
    queue.waiting = 10;
    await untilRefused();
    const origin = 'https://shop.example.com';

    const refused = await get('/api', { Origin: origin });
    const preflight = await ask(`${url}/api`, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    });

    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([503, origin]);
    expect(preflight.status).toBe(204);
  });

  it('probes, metrics and exempt paths -> answered as ever', async () => {
    const { url, get, queue, untilRefused } = await start();
    queue.waiting = 10;
    await untilRefused();

    const probes = await Promise.all(['/health', '/ready', '/metrics'].map((path) => get(path)));
    const webhook = await fetch(`${url}/api/webhooks`, { method: 'POST' });

    expect([...probes, webhook].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('the queue is empty again -> nothing is refused', async () => {
    const { get, queue, untilRefused } = await start();
    queue.waiting = 10;
    await untilRefused();
    queue.waiting = 0;

    await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get('/api')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    });
  });

  it('many at once -> refused over several turns of the event loop, so that answers come to theirs', async () => {
    const { guard, queue, untilRefused } = await start();
    queue.waiting = 10;
    await untilRefused();
    const responses = Array.from({ length: 1_000 }, () => {
      const request = new IncomingMessage(new Socket());
      const response = new ServerResponse(request);
      guard.admit(request, response, () => response.destroy());
      return response;
    });
    const refused = () =>
      responses.filter(({ statusCode, writableEnded }) => writableEnded && statusCode === 503).length;

    const inTurns = [refused()];
    for (const _ of [1, 2]) {
      await turn();
      inTurns.push(refused());
    }

    expect(inTurns).toEqual([0, expect.any(Number), expect.any(Number)]);
    expect(inTurns[1]).toBeGreaterThan(0);
    expect(inTurns[2]).toBeGreaterThan(inTurns[1]!);
    expect(inTurns[2]).toBeLessThan(responses.length);
    await eventually(() => expect(refused()).toBe(responses.length));
  });

  it('many refusals -> counted one by one, logged together', async () => {
    const { get, queue, untilRefused, logger, metrics } = await start();
    queue.waiting = 10;
    await untilRefused();
    await Promise.all(Array.from({ length: 20 }, () => get('/api')));

    await eventually(async () => {
      const { values } = await metrics.httpServerResponses.get();
      const refused = values.find(({ labels }) => labels.http_response_status_code === '503');
      expect([refused?.labels.http_route, refused?.value]).toEqual(['other', 21]);
    });
    expect(await metrics.report()).toContain('http_server_refused_requests_total{service="test"} 21\n');
    const lines = logger.entries.filter(({ message }) => message.startsWith('requests refused'));
    expect(lines.reduce((sum, { facts }) => sum + Number(facts?.count), 0)).toBe(21);
    expect(lines.length).toBeLessThan(10); // one a second at most
    expect(logger.messages('error')).toEqual([]);
  });
});

describe('a service whose event loop is late', () => {
  /** Takes the event loop, by turns of this many milliseconds, for as long as `while` says. */
  async function occupy(turn: number, isWanted: () => boolean): Promise<void> {
    while (isWanted()) {
      for (const end = performance.now() + turn; performance.now() < end;);
      await new Promise(setImmediate);
    }
  }

  it('again and again -> refuses, and no more once it is on time', async () => {
    const { get, untilRefused } = await start();
    let isBusy = true;
    const busy = occupy(100, () => isBusy);

    await untilRefused();
    isBusy = false;
    await busy;

    await eventually(async () => expect((await get('/api')).status).toBe(200));
  });

  it('by one long job -> refuses nothing', async () => {
    const { get } = await start();
    // Until nothing else on this machine makes it late as well.
    await eventually(async () => {
      expect((await get('/api')).status).toBe(200);
      let turns = 2;
      const job = occupy(500, () => --turns > 0);
      const meanwhile = await Promise.all(Array.from({ length: 10 }, () => get('/api')));
      await job;

      expect(new Set(meanwhile.map(({ status }) => status))).toEqual(new Set([200]));
    });
  });
});
