import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseEnv } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { listen } from '@shop/common/http';
import { eventually, timeLimit } from '@shop/testing';
import { repository } from '../stack/paths.ts';
import { nginxTemplate, readNginxStatus } from '../stack/programs/nginx.ts';
import { ask, startEdge, type Answer, type Edge } from './test/edge.ts';

let edge: Edge;
let tooSlow: Promise<Answer>;

beforeAll(async () => {
  edge = await startEdge();
  // It takes as long as nginx is patient; the other tests go on meanwhile.
  edge.orders.respond(({ url }, response) => {
    if (!url.endsWith('/never')) response.end();
  });
  tooSlow = edge.ask('/api/v1/orders/never');
  tooSlow.catch(() => undefined); // its test tells
  await eventually(async () => expect(edge.orders.calls).toHaveLength(1));
});
beforeEach(() => {
  for (const upstream of [edge.gateway, edge.users, edge.payments]) {
    upstream.calls.length = 0;
    upstream.respond((_call, response) => void response.end('{}'));
  }
});
afterAll(() => edge.stop());

const upstreams = () => ({ gateway: edge.gateway, users: edge.users, orders: edge.orders, payments: edge.payments });
const json = ({ text: content }: Answer) => JSON.parse(content);
const timesOf = ({ rawHeaders }: Answer, name: string) =>
  rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length;

/** Speaks HTTP by hand, as no client would. */
const speak = async (words: string): Promise<string> => {
  const socket = net.connect(edge.port, '127.0.0.1');
  socket.write(words);
  return text(socket);
};

describe('the way of a request', () => {
  it.each([
    ['/', 'gateway'],
    ['/graphql', 'gateway'],
    ['/query', 'gateway'],
    ['/graphql/', 'gateway'],
    ['/query/?query=a', 'gateway'],
    ['/health/', 'gateway'],
    ['/api/v1/orders/', 'orders'],
    ['/graphiql/a.js', 'gateway'],
    ['/health', 'gateway'],
    ['/.well-known/jwks.json', 'users'],
    ['/api/v1/users', 'users'],
    ['/api/v1/users/me?a=%20b', 'users'],
    ['/api/v1/users/1/export', 'gateway'],
    ['/api/v1/users/1/export/', 'gateway'],
    ['/api/v1/users/1/export/2', 'users'],
    ['/api/v1/users/export', 'users'],
    ['/api/v1/users/1/personal-data', 'users'],
    ['/api/v1/orders', 'orders'],
    ['/api/v1/payments/order/1', 'payments'],
    ['/api/v1/payments/webhooks/simulated', 'payments'],
  ] as const)('%s -> %s, as it is', async (url, name) => {
    const upstream = upstreams()[name];
    expect((await edge.ask(url)).status).toBe(200);
    expect(upstream.calls.at(-1)).toMatchObject({ method: 'GET', url });
  });

  it.each([
    '/metrics',
    '/ready',
    '/metrics/',
    '/METRICS',
    '//metrics',
    '/%6Detrics',
    '/health/../metrics',
    '/graphiql/../metrics',
    '/graphiql/%2e%2e/ready',
    '/api/v1/users/../../../metrics',
    '/api/v1/usersmetrics',
    '/ready?a',
    '/nginx_status',
    '/~error',
    '/~events',
    '/anything',
  ])('%s -> 404 in the form of all errors, and nobody is asked', async (url) => {
    const before = edge.orders.calls.length;
    const answer = await edge.ask(url);
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'application/json']);
    expect(json(answer)).toEqual({
      success: false,
      error: { code: 'NOT_FOUND', message: 'No such route' },
      requestId: answer.headers['x-request-id'],
    });
    expect([edge.gateway, edge.users, edge.payments].flatMap(({ calls }) => calls)).toEqual([]);
    expect(edge.orders.calls).toHaveLength(before);
  });

  it('forwarded headers of the client’s choice -> go no further', async () => {
    const poison = 'evil.example.com';
    for (const [url, upstream] of [
      ['/graphql?query=poison', edge.gateway],
      ['/api/v1/users/me', edge.users],
    ] as const) {
      const answer = await edge.ask(url, {
        from: '127.0.0.9',
        headers: {
          'x-forwarded-for': '203.0.113.7',
          'x-forwarded-host': poison,
          'x-forwarded-proto': 'https',
          'x-forwarded-port': '1',
          'x-forwarded-prefix': poison,
          'x-real-ip': '203.0.113.7',
          forwarded: `for=203.0.113.7;host=${poison}`,
          connection: 'x-forwarded-for',
        },
      });
      const { headers } = upstream.calls.at(-1)!;
      expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.9', 'x-forwarded-proto': 'http' });
      expect(JSON.stringify([headers, answer.rawHeaders])).not.toMatch(/evil|203\.0\.113/);
    }
  });

  it.each(['has spaces', 'a'.repeat(129), 'ä', '"}', ''])('the request id %j -> replaced', async (id) => {
    const { headers } = await edge.ask('/nothing', { headers: { 'x-request-id': Buffer.from(id).toString('latin1') } });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('headers of answers', () => {
  const security = ['x-content-type-options', 'x-frame-options', 'referrer-policy', 'content-security-policy'];
  const always = [...security, 'x-request-id', 'x-cache-status'];

  it.each([
    ['an upstream that sets them', Object.fromEntries(always.map((name) => [name, 'theirs']))],
    ['an upstream that sets none', {}],
  ])('%s -> each once', async (_, headers) => {
    edge.gateway.respond((_call, response) => void response.writeHead(200, headers).end());
    const answer = await edge.ask('/graphql', { method: 'POST' });
    expect(always.map((name) => timesOf(answer, name))).toEqual(always.map(() => 1));
    const kept = security.every((name) => answer.headers[name] === 'theirs');
    expect(kept).toBe('x-frame-options' in headers);
    expect(answer.headers).toMatchObject({ server: 'nginx', 'x-cache-status': 'BYPASS' });
  });

  it('nginx’s own answers -> each once as well', async () => {
    for (const answer of [
      await edge.ask('/nothing'),
      await edge.ask('/graphql', { method: 'POST', body: 'x'.repeat(2e6) }),
    ]) {
      expect(always.map((name) => timesOf(answer, name))).toEqual(always.map(() => 1));
      expect([timesOf(answer, 'cache-control'), answer.headers['cache-control']]).toEqual([1, 'no-store']);
    }
  });

  it('long JSON -> compressed for whoever takes it', async () => {
    edge.users.respond((_call, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify('a'.repeat(5_000)));
    });
    const answer = await edge.ask('/api/v1/users', { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(answer.body.length).toBeLessThan(500);
    expect((await edge.ask('/api/v1/users')).headers['content-encoding']).toBeUndefined();
    const either = await edge.ask('/api/v1/users', { headers: { 'accept-encoding': 'gzip, br' } });
    const hasBrotli = existsSync(path.join(edge.directory, 'nginx/extra/brotli.conf'));
    expect(either.headers).toMatchObject({ 'content-encoding': hasBrotli ? 'br' : 'gzip', vary: 'Accept-Encoding' });
  });
});

describe('errors', () => {
  it.each([
    ['/graphql', 1_000_000, 200],
    ['/graphql', 1_000_001, 413],
    ['/api/v1/orders', 1_000_000, 200],
    ['/api/v1/orders/', 1_000_001, 413],
    ['/api/v1/orders/1/status', 100_001, 413],
    ['/api/v1/users/login', 100_001, 413],
    ['/api/v1/payments/1/process', 100_001, 413],
    ['/api/v1/payments/webhooks/simulated', 1_000_000, 200],
    ['/api/v1/payments/webhooks/simulated', 1_000_001, 413],
  ])('%s with %i bytes -> %i', async (url, size, status) => {
    const body = 'x'.repeat(size);
    const known = await edge.ask(url, { method: 'POST', body, headers: { 'content-length': String(size) } });
    const inPieces = await edge.ask(url, { method: 'POST', body, headers: { 'transfer-encoding': 'chunked' } });
    for (const answer of [known, inPieces]) {
      expect(answer.status).toBe(status);
      if (status === 413) expect(json(answer).error.code).toBe('PAYLOAD_TOO_LARGE');
    }
  });

  it('a long body -> reaches the upstream whole, and no disk', async () => {
    const body = 'my-password'.repeat(9_000);
    await edge.ask('/api/v1/users/login', { method: 'POST', body });
    expect(edge.users.calls[0]!.body.toString() === body).toBe(true);
    expect(edge.log()).not.toContain('temporary file');
  });

  it.each(['/graphql', '/query?query=a'])(
    'an upstream that is down, at %s -> 503, also in GraphQL’s form',
    async (url) => {
      await edge.gateway.stop();
      try {
        const answer = await edge.ask(url, { method: 'POST', body: '{}' });
        expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
        expect(json(answer)).toEqual({
          success: false,
          error: { code: 'SERVICE_UNAVAILABLE', message: 'The service is unavailable' },
          errors: [{ message: 'The service is unavailable', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
          requestId: answer.headers['x-request-id'],
        });
      } finally {
        await edge.gateway.start();
      }
    },
  );

  it('an upstream’s own error -> as it is', async () => {
    edge.payments.respond((_call, response) => {
      response.writeHead(503, { 'retry-after': '7', 'content-type': 'application/json' }).end('{"own":true}');
    });
    const answer = await edge.ask('/api/v1/payments');
    expect([answer.status, answer.text, answer.headers['retry-after']]).toEqual([503, '{"own":true}', '7']);
  });

  it.each([
    ['a URL that is too long', `GET /${'a'.repeat(8_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
    ['a header that is too long', `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(8_000)}\r\n\r\n`],
    [
      'headers that are too long together',
      `GET / HTTP/1.1\r\nHost: localhost\r\n${['A', 'B', 'C'].map((name) => `X-${name}: ${'a'.repeat(6_000)}\r\n`).join('')}\r\n`,
    ],
  ])('%s -> 431 with details, in the words of a service', async (_, words) => {
    const answer = await speak(words);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    const fields = [{ field: 'request', message: 'has too long an address or headers' }];
    const details = 'request: has too long an address or headers';
    expect(body).toMatchObject({ success: false, error: { code: 'INVALID_INPUT', details, fields } });
  });

  it.each([
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['nonsense', 'nonsense\r\n\r\n'],
    ['a length that is none', 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n'],
    [
      'two ways to tell the length',
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('%s -> 400 with details', async (_, words) => {
    const answer = await speak(words);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    expect(body.error).toMatchObject({ code: 'INVALID_INPUT', fields: [{ field: 'request' }] });
  });

  it.each([
    ['a foreign name', 'GET /health HTTP/1.1\r\nHost: evil.test\r\n'],
    ['a foreign name with a port', `GET /health HTTP/1.1\r\nHost: evil.test:80\r\n`],
    ['ours at the start of another', 'GET /health HTTP/1.1\r\nHost: localhost.evil.test\r\n'],
    ['another address', 'GET /health HTTP/1.1\r\nHost: 10.0.0.1\r\n'],
    ['a foreign name in the address', 'GET http://evil.test/health HTTP/1.1\r\nHost: evil.test\r\n'],
  ])('a Host that is %s -> 421, and no upstream is asked', async (_, words) => {
    const answer = await speak(`${words}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
      success: false,
      error: { code: 'INVALID_INPUT', fields: [{ field: 'host' }] },
    });
    expect(edge.gateway.calls).toHaveLength(0);
  });

  it.each([
    ['two', 'GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n'],
    ['one, and another in the address', 'GET http://localhost/health HTTP/1.1\r\nHost: evil.test\r\n'],
    ['ours, and another in the address', 'GET http://evil.test/health HTTP/1.1\r\nHost: localhost\r\n'],
  ])('Hosts: %s -> 400', async (_, words) => {
    expect(await speak(`${words}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(edge.gateway.calls).toHaveLength(0);
  });

  it.each(['localhost', 'LOCALHOST:8080', 'localhost.', '127.0.0.1:1', '[::1]', '[::1]:80'])(
    'Host: %s -> answered',
    async (host) => {
      const words = `GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      expect(await speak(words)).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  it('HTTP/1.0 without a Host -> answered; nginx’s own metrics by a foreign name -> refused', async () => {
    expect(await speak('GET /health HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    const ofMetrics = (host: string) => ask(edge.statusPort, '/metrics', { headers: { host } });
    expect((await Promise.all(['127.0.0.1', 'evil.test'].map(ofMetrics))).map(({ status }) => status)).toEqual([
      200, 421,
    ]);
  });

  it('ALLOWED_HOSTS -> those names are ours, too, and no part of them', async () => {
    const named = await startEdge({ allowedHosts: 'Shop.example.com, 10.1.2.3' });
    try {
      const answers = ['shop.example.com:443', '10.1.2.3', 'example.com', 'shop.example.com.evil.test', 'a,b'].map(
        (host) => named.ask('/health', { headers: { host } }),
      );
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 421, 421, 421]);
    } finally {
      await named.stop();
    }
  });

  it('headers of 14 kB -> no more than the upstream takes', async () => {
    const headers = { authorization: `Bearer ${'a'.repeat(6_500)}`, cookie: 'b'.repeat(6_500) };
    expect((await edge.ask('/api/v1/users/me', { headers })).status).toBe(200);
  });

  it('TRACE -> 405', async () => {
    const answer = await speak('TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 405 .*\r\nAllow: GET, /s);
  });

  it('a range past the end of an answer that is kept -> 416 with details', async () => {
    edge.gateway.respond((_call, response) => {
      response.setHeader('accept-ranges', 'bytes');
      response.writeHead(200, { 'cache-control': 'public, max-age=60', 'content-length': '5' }).end('short');
    });
    const url = '/graphql?query=range';
    await edge.ask(url);
    const part = await edge.ask(url, { headers: { range: 'bytes=1-2' } });
    const answer = await edge.ask(url, { headers: { range: 'bytes=9-' } });

    expect([part.status, part.text]).toEqual([206, 'ho']);
    expect([answer.status, answer.headers['content-type']]).toEqual([416, 'application/json']);
    expect(json(answer).error).toMatchObject({ code: 'INVALID_INPUT', fields: [{ field: 'range' }] });
  });

  it('an upstream that never answers -> 504', async () => {
    const answer = await tooSlow;
    expect([answer.status, json(answer).error.code]).toEqual([504, 'UPSTREAM_TIMEOUT']);
  });
});

describe('connections', () => {
  it('to an upstream -> kept for the next request', async () => {
    await edge.ask('/api/v1/payments');
    const before = edge.payments.connections();
    for (let i = 0; i < 20; i++) await edge.ask('/api/v1/payments');
    expect(edge.payments.connections() - before).toBeLessThanOrEqual(1);
  });

  it('an upstream that was stopped and started while they were idle -> the next requests succeed', async () => {
    for (let round = 0; round < 5; round++) {
      await Promise.all([1, 2, 3, 4].map(() => edge.ask('/api/v1/users')));
      await edge.users.stop();
      await edge.users.start();
      const answers = await Promise.all([1, 2, 3, 4].map(() => edge.ask('/api/v1/users', { method: 'POST' })));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    }
  });

  it('idle ones -> closed by nginx before a service would', async () => {
    const service = await listen((_request, response) => void response.end(), { host: '127.0.0.1', port: 0 });
    const { headers } = await fetch(`http://127.0.0.1:${service.port}`);
    await service.stop(0);
    const itsSeconds = Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1]);
    const ours = [...readFileSync(nginxTemplate, 'utf8').matchAll(/^ *upstream .*keepalive_timeout (\d+)s;/gm)];

    expect(ours).toHaveLength(4);
    for (const [, seconds] of ours) expect(Number(seconds)).toBeLessThanOrEqual(itsSeconds - 5);
  });

  it.each([
    ['GET', '/graphql?query=subscription{a}', 'in chunks'],
    ['POST', '/query', 'in chunks'],
    ['POST', '/query', 'until the end of the connection'], // what buffers hold back
  ])('events, asked for with %s at %s, sent %s -> each passes at once', async (method, url, framing) => {
    let send: (event: string) => void = () => undefined;
    edge.gateway.respond((_call, response) => {
      if (framing !== 'in chunks') response.removeHeader('Transfer-Encoding');
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      send = (event) => void response.write(`data: ${event}\n\n`);
      send('first');
    });
    const response = await fetch(`http://127.0.0.1:${edge.port}${url}`, {
      method,
      headers: { accept: 'text/event-stream', authorization: 'Bearer a' },
      ...(method === 'POST' && { body: '{"query":"subscription{a}"}' }),
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();

    expect((await reader.read()).value).toBe('data: first\n\n');
    send('second');
    expect((await reader.read()).value).toBe('data: second\n\n');
    expect(edge.gateway.calls).toMatchObject([{ method, url }]);
    if (method === 'POST') expect(edge.gateway.calls[0]!.body.toString()).toBe('{"query":"subscription{a}"}');
    await reader.cancel();
  });

  it.each([
    ['GET', 'text/event-stream', 'once events came'],
    ['POST', 'text/event-stream', 'once events came'],
    ['GET', '*/*', 'once events came'],
    ['POST', '*/*', 'once events came'],
    ['POST', 'text/event-stream', 'before the first'],
    ['GET', 'text/event-stream', 'before the first'],
  ])('a subscriber by %s for %s that goes away %s -> the gateway notices at once', async (method, accept, point) => {
    let isGone = false;
    edge.gateway.respond((_call, response) => {
      response.once('close', () => (isGone = true));
      if (point === 'before the first') return;
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
      response.write(':\n\n');
    });
    const leaving = new AbortController();
    const opening = fetch(`http://127.0.0.1:${edge.port}/graphql?query=subscription{a}`, {
      method,
      headers: { accept, authorization: 'Bearer a' },
      signal: leaving.signal,
    });
    if (point === 'before the first') await eventually(() => expect(edge.gateway.calls).toHaveLength(1));
    else await (await opening).body!.getReader().read();
    expect(isGone).toBe(false);

    leaving.abort();
    await opening.catch(() => undefined); // it never began

    await eventually(() => expect(isGone).toBe(true));
  });
});

describe('connections of one client', () => {
  const LIMIT = Number(parseEnv(readFileSync(path.join(repository, '.env.example'), 'utf8')).NGINX_CONNECTION_LIMIT);
  const ATTACKER = '127.0.0.6';
  let limited: Edge;
  const sockets: net.Socket[] = [];

  beforeAll(async () => {
    limited = await startEdge({ connectionLimit: LIMIT });
    limited.gateway.respond((_call, response) => void response.end('{}'));
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(() => limited.stop());

  /** Begins a body that never comes to its end, and tells what is answered meanwhile. */
  const begin = (): (() => string) => {
    const socket = net.connect({ port: limited.port, host: '127.0.0.1', localAddress: ATTACKER });
    sockets.push(socket);
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.on('error', () => undefined); // nginx hangs up on those that it refused
    socket.write('POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8192\r\n\r\n{');
    return () => answer;
  };

  it('a thousand slow bodies -> most are refused, and everybody else is served at once', async () => {
    const answers = Array.from({ length: 1_000 }, begin);
    await eventually(async () => {
      expect(answers.filter((answer) => answer().startsWith('HTTP/1.1 429 '))).toHaveLength(1_000 - LIMIT);
    });
    const started = performance.now();
    const others = await Promise.all(
      Array.from({ length: 20 }, () => limited.ask('/graphql', { method: 'POST', body: '{}', from: '127.0.0.2' })),
    );
    const took = performance.now() - started;
    const own = await limited.ask('/graphql', { from: ATTACKER });

    expect(others.map(({ status }) => status)).toEqual(others.map(() => 200));
    expect(took).toBeLessThan(timeLimit(9_000)); // a wait would be one of ten seconds
    expect([own.status, own.headers['retry-after']]).toEqual([429, '1']);
    expect(json(own).error).toEqual({ code: 'RATE_LIMITED', message: 'Too many requests' });

    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect((await limited.ask('/graphql', { from: ATTACKER })).status).toBe(200));
  });

  it('as many event streams as are allowed, and one more -> that one is refused', async () => {
    limited.gateway.respond((_call, response) => void response.writeHead(200).write(':\n\n'));
    const streams = Array.from({ length: LIMIT }, () => {
      const socket = net.connect({ port: limited.port, host: '127.0.0.1', localAddress: ATTACKER });
      sockets.push(socket);
      socket.write('GET /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n');
      return once(socket, 'data');
    });
    await Promise.all(streams);

    expect((await limited.ask('/health', { from: ATTACKER })).status).toBe(429);
  });
});

describe('what nginx tells', () => {
  it('the access log -> a JSON line for each request, without its query, headers and body', async () => {
    await edge.ask('/graphql?query=my-query&token=my-token', {
      method: 'POST',
      body: 'my-body',
      headers: {
        'x-request-id': 'logged',
        authorization: 'Bearer my-token',
        cookie: 'my-cookie',
        referer: 'my-referer',
      },
    });
    await eventually(async () => {
      expect(edge.accessLog().find(({ requestId }) => requestId === 'logged')).toMatchObject({
        service: 'nginx',
        clientAddress: '127.0.0.1',
        method: 'POST',
        path: '/graphql',
        status: 200,
        cacheStatus: 'BYPASS',
        upstream: edge.gateway.address,
        upstreamStatus: '200',
        upstreamSeconds: expect.stringMatching(/^\d+\.\d{3}$/),
      });
    });
    expect(edge.log()).not.toMatch(/my-(query|token|body|cookie|referer)/);
  });

  it('a call that failed -> its log line names the upstream and what it did, not the query', async () => {
    await edge.gateway.stop();
    await edge.ask('/graphql?query=my-query', { headers: { 'x-request-id': 'failed' } });
    await edge.gateway.start();
    await eventually(async () => {
      expect(edge.accessLog().find(({ requestId }) => requestId === 'failed')).toMatchObject({
        path: '/graphql',
        status: 503,
        upstream: edge.gateway.address,
        upstreamStatus: '502',
      });
    });
    expect(edge.log()).not.toContain('my-query');
  });

  it('its metrics -> on their own port alone', async () => {
    expect(await readNginxStatus(edge.statusPort)).toMatchObject({
      active: expect.any(Number),
      requests: expect.any(Number),
    });
  });
});
