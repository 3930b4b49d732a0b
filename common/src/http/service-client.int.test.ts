import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { InvalidInput, ServiceUnavailable, UpstreamTimeout } from '../errors/index.js';
import { runInScope } from '../logger/index.js';
import { createMetrics } from '../metrics/index.js';
import { ServiceClient, listen, type HttpServer } from './index.js';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const serve = async (listener: RequestListener): Promise<HttpServer> => {
  const server = await listen(listener, { host: '127.0.0.1', port: 0 });
  open.push(() => server.stop(100));
  return server;
};

const clientOf = (port: number, timeout = 2_000, options: { connections?: number } = {}): ServiceClient => {
  const metrics = createMetrics({ service: 'test' });
  const url = `http://127.0.0.1:${port}`;
  const client = new ServiceClient({ name: 'thing-service', url, timeout, metrics, ...options });
  open.unshift(() => client.close());
  return client;
};

const answering = (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener => {
  return (_request, response) => response.writeHead(status, headers).end(JSON.stringify(body));
};

const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => Promise.reject(new Error('should have failed')),
    (error: unknown) => error,
  );

describe('a call to a service', () => {
  const things = z.array(z.object({ id: z.string() }));
  const call = { method: 'GET', path: '/things' } as const;

  it('answered -> the parsed data and meta; token, request id, trace and address are passed on', async () => {
    let seen: { url?: string | undefined; headers?: IncomingHttpHeaders } = {};
    const meta = { total: 1, limit: 10, offset: 0, hasMore: false, nextCursor: null };
    const { port } = await serve((request, response) => {
      seen = { url: request.url, headers: request.headers };
      answering(200, { success: true, data: [{ id: 'a', more: 1 }], meta })(request, response);
    });
    const scope = { requestId: 'r1', traceparent: '00-1-2-00', clientAddress: '192.0.2.1' };
    const answer = await runInScope(scope, () =>
      clientOf(port).call(things, { ...call, query: { ids: 'a,b', limit: 5, after: undefined }, token: 't' }),
    );
    expect(answer).toEqual({ data: [{ id: 'a' }], meta, size: 120 });
    expect(seen.url).toBe('/things?ids=a%2Cb&limit=5');
    expect(seen.headers).toMatchObject({
      authorization: 'Bearer t',
      'x-request-id': 'r1',
      traceparent: '00-1-2-00',
      'x-forwarded-for': '192.0.2.1',
    });
  });

  it('refused -> the same error as the service gave, with its facts', async () => {
    const error = { code: 'CONFLICT', message: 'Already there', paymentId: 'p1' };
    const { port } = await serve(answering(409, { success: false, error }));
    expect(await failure(clientOf(port).call(things, call))).toMatchObject({
      code: 'CONFLICT',
      message: 'Already there',
      facts: { paymentId: 'p1' },
    });
  });

  it.each<[number, string]>([
    [409, 'CONFLICT'],
    [418, 'SERVICE_UNAVAILABLE'],
  ])('refused with %d and a code of a later version -> %s, in the words of the service', async (status, code) => {
    const error = { code: 'ORDER_ON_HOLD', message: 'The order is on hold', addedLater: { some: 'thing' } };
    const { port } = await serve(answering(status, { success: false, error }));
    expect(await failure(clientOf(port).call(things, call))).toMatchObject({ code, message: 'The order is on hold' });
  });

  it('refused for its input -> every field', async () => {
    const fields = [{ field: 'limit', message: 'is wrong' }];
    const error = { code: 'INVALID_INPUT', message: 'Validation failed', details: 'limit: is wrong', fields };
    const { port } = await serve(answering(400, { success: false, error }));
    const thrown = await failure(clientOf(port).call(things, call));
    expect(thrown).toBeInstanceOf(InvalidInput);
    expect(thrown).toMatchObject({ fields });
  });

  it.each<[string, RequestListener]>([
    ['with something else', answering(200, { data: 'x' })],
    ['with no JSON', (_request, response) => response.end('<html>')],
    ['with an error of another kind', answering(502, { oops: true })],
    ['by closing the connection', (request) => request.socket.destroy()],
  ])('answered %s -> unavailable', async (_case, listener) => {
    const { port } = await serve(listener);
    expect(await failure(clientOf(port).call(things, call))).toBeInstanceOf(ServiceUnavailable);
  });

  it.each<[string, RequestListener]>([
    ['not even begun', () => undefined],
    ['begun', (_request, response) => void response.writeHead(200, { 'content-length': '100' }).write('{"data":')],
  ])('%s in time -> timeout, and its connection is closed', async (_case, listener) => {
    const closed = Promise.withResolvers<undefined>();
    const { port } = await serve((request, response) => {
      request.socket.once('close', () => closed.resolve(undefined));
      listener(request, response);
    });
    expect(await failure(clientOf(port, 50).call(things, call))).toBeInstanceOf(UpstreamTimeout);
    await closed.promise;
  });

  it('whose time is over while others have all connections -> timeout, and the service never receives it', async () => {
    const paths: (string | undefined)[] = [];
    const first = Promise.withResolvers<() => void>();
    const { port } = await serve((request, response) => {
      paths.push(request.url);
      const answer = () => answering(200, { data: [] })(request, response);
      if (request.url === '/first') first.resolve(answer);
      else answer();
    });
    const client = clientOf(port, 10_000, { connections: 1 });
    const answered = client.call(things, { ...call, path: '/first' });
    const answerFirst = await first.promise;
    const late = client.call(things, { ...call, path: '/late', timeLeft: 50 });
    expect(await failure(late)).toBeInstanceOf(UpstreamTimeout);
    answerFirst();
    await answered;
    await client.call(things, { ...call, path: '/last' });
    expect(paths).toEqual(['/first', '/last']);
  });

  it('whose answer comes in pieces -> is read as one text', async () => {
    const text = Buffer.from(JSON.stringify({ data: [{ id: 'Größe €' }] }));
    const { port } = await serve((_request, response) => {
      const within = text.indexOf('ö') + 1; // the character takes two bytes
      response.write(text.subarray(0, within), () => response.end(text.subarray(within)));
    });
    expect((await clientOf(port).call(things, call)).data).toEqual([{ id: 'Größe €' }]);
  });

  it('to nobody -> unavailable', async () => {
    const server = await listen(answering(200, {}), { host: '127.0.0.1', port: 0 });
    await server.stop(0);
    expect(await failure(clientOf(server.port).call(things, call))).toBeInstanceOf(ServiceUnavailable);
  });
});

describe('a server that stops', () => {
  it('with a request running -> answers it, closes its connection and takes no other', async () => {
    const started = Promise.withResolvers<undefined>();
    const server = await listen(
      (_request, response) => {
        started.resolve(undefined);
        void delay(100).then(() => response.end('done'));
      },
      { host: '127.0.0.1', port: 0 },
    );
    const url = `http://127.0.0.1:${server.port}/`;
    const running = fetch(url);
    await started.promise;
    const stopped = server.stop(5_000);
    await expect(fetch(url)).rejects.toThrow();
    const response = await running;
    expect(await response.text()).toBe('done');
    await stopped;
  });

  it('with a request that never ends -> cut off after the grace', async () => {
    const started = Promise.withResolvers<undefined>();
    const server = await listen(() => started.resolve(undefined), { host: '127.0.0.1', port: 0 });
    const running = fetch(`http://127.0.0.1:${server.port}/`);
    const cut = expect(running).rejects.toThrow();
    await started.promise;
    await server.stop(50);
    await cut;
  });

  it('whose port is taken -> says so at start', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    await expect(listen(() => undefined, { host: '127.0.0.1', port })).rejects.toThrow('EADDRINUSE');
    holder.close();
  });
});
