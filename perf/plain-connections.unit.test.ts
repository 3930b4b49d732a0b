import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { PlainConnections, type PlainRequest } from './plain-connections.ts';

const running: (() => void)[] = [];
afterEach(() => {
  for (const stop of running.splice(0)) stop();
});

async function start(listener: RequestListener, { connections = 2, timeout = 10_000 } = {}) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const opened: unknown[] = [];
  server.on('connection', (socket) => opened.push(socket));
  const client = new PlainConnections({ connections, timeout });
  running.push(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = (request: Partial<PlainRequest> = {}) =>
    new Promise<string>((resolve) => client.send({ origin, path: '/', headers: {}, ...request }, resolve));
  return { client, origin, opened, ask };
}

describe('an answer', () => {
  it.each<[string, RequestListener]>([
    ['of a known length', (_request, response) => response.end('{"a":"\u00e4"}')],
    [
      'in chunks, part by part',
      (_request, response) => {
        response.write('{"a":');
        setImmediate(() => response.end('"\u00e4"}'));
      },
    ],
    ['larger than a read', (_request, response) => response.end(`{"a":"\u00e4"}${' '.repeat(200_000)}`)],
  ])('%s -> its status, and its body to whoever asks for it', async (_how, listener) => {
    const { ask } = await start(listener);
    let body = '';
    const accepts = (text: string) => {
      body = text;
      return true;
    };
    expect([await ask({ accepts }), body.trim()]).toEqual(['200', '{"a":"\u00e4"}']);
  });

  it('without a body -> its status, and the connection is used again', async () => {
    const { ask, opened } = await start((_request, response) => response.writeHead(204).end());
    expect([await ask(), await ask(), opened.length]).toEqual(['204', '204', 1]);
  });

  it('that is a success with errors -> said so', async () => {
    const { ask } = await start((_request, response) => response.end('{"errors":[]}'));
    expect(await ask({ accepts: () => false })).toBe('success with errors');
  });

  it('that closes its connection -> the next request has another', async () => {
    const { ask, opened } = await start((_request, response) => response.setHeader('Connection', 'close').end());
    expect([await ask(), await ask(), opened.length]).toEqual(['200', '200', 2]);
  });

  it('that does not come -> said so', async () => {
    const { ask } = await start(() => undefined, { timeout: 10 });
    expect(await ask()).toBe('no answer in time');
  });
});

describe('requests', () => {
  it('method, headers and body -> sent as they are', async () => {
    const { ask } = await start((request, response) => {
      void request.toArray().then((parts) => {
        response.end(JSON.stringify([request.method, request.url, request.headers.a, parts.join('')]));
      });
    });
    let body = '';
    const accepts = (text: string) => {
      body = text;
      return true;
    };
    await ask({ method: 'POST', path: '/x', headers: { a: 'b' }, body: '\u00e4', accepts });
    expect(JSON.parse(body)).toEqual(['POST', '/x', 'b', '\u00e4']);
  });

  it('more than connections -> all answered, one after the other on each', async () => {
    const { ask, opened } = await start((_request, response) => setImmediate(() => response.end()));
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => ask())))).toEqual(new Set(['200']));
    expect(opened).toHaveLength(2);
  });

  it('to connections that are open already -> take one of those', async () => {
    const { client, origin, opened, ask } = await start((_request, response) => response.end(), { connections: 5 });
    await client.openAll(origin);
    expect([await ask(), opened.length]).toEqual(['200', 5]);
  });

  it('nobody listens -> the code of it', async () => {
    const { ask } = await start(() => undefined);
    expect(await ask({ origin: 'http://127.0.0.1:1' })).toBe('ECONNREFUSED');
  });
});
