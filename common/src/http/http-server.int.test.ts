import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { eventually, sendRaw } from '@shop/testing';
import { listen, type HttpServer, type ListenOptions } from './http-server.js';

let server: HttpServer | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.stop(0);
});

/** An app that answers at once, reads bodies, and has an answer of 20 MB. */
async function start(options: Partial<ListenOptions>): Promise<string> {
  const app = express();
  app.get('/', (_request, response) => void response.send('fine'));
  app.post('/', express.raw({ type: () => true }), (_request, response) => void response.send('fine'));
  app.get('/much', (_request, response) => void response.send(Buffer.alloc(20_000_000)));
  server = await listen(app, { host: '127.0.0.1', port: 0, ...options });
  return `http://127.0.0.1:${server.port}`;
}

/** Connections that each send this and then nothing more. */
const open = async (url: string, count: number, text: string): Promise<Socket[]> => {
  const opened = Array.from({ length: count }, () => connect(Number(new URL(url).port), '127.0.0.1'));
  sockets.push(...opened);
  await Promise.all(opened.map((socket) => once(socket, 'connect')));
  for (const socket of opened) {
    socket.on('error', () => undefined);
    socket.write(text);
  }
  return opened;
};

const untilAllClosed = (opened: readonly Socket[]) =>
  eventually(() => {
    const left = opened.filter(({ closed }) => !closed).length;
    if (left > 0) throw new Error(`${left} are still open`);
  });

const keptAlive = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('a server that is about to stop', () => {
  it('drain -> answers old and new connections alike, and closes each with its answer', async () => {
    const url = await start({});
    const [old] = await open(url, 1, keptAlive);
    await once(old!, 'data');

    const drained = server!.drain(1_000);
    const [young] = await open(url, 1, keptAlive);
    old!.write(keptAlive);
    const answers = await Promise.all([old!, young!].map((socket) => once(socket, 'data')));

    expect(answers.map(String)).toEqual(Array(2).fill(expect.stringMatching(/^HTTP\/1.1 200 OK[^]*Connection: close/)));
    await untilAllClosed([old!, young!]);
    await drained;
  });

  it('a request under way as it begins -> its answer is the last of its connection, too', async () => {
    const url = await start({});
    const [busy] = await open(url, 1, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{');
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(200); // so the other has arrived

    await server!.drain(0);
    busy!.write('}');

    expect(String(await once(busy!, 'data'))).toMatch(/^HTTP\/1.1 200 OK[^]*Connection: close/);
    await untilAllClosed([busy!]);
  });
});

const timeouts = { headers: 300, request: 600, response: 300, idle: 300, check: 50 };

describe('clients that take their time', () => {
  it.each([
    ['say nothing', ''],
    ['never end their headers', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: '],
    ['never end their body', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{'],
    ['never end their chunks', 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n{'],
    ['never ask a second time', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('fifty that %s -> others are answered, and they are hung up on', async (_, text) => {
    const url = await start({ timeouts });
    const slow = await open(url, 50, text);
    for (const socket of slow) socket.resume();

    expect(await (await fetch(url)).text()).toBe('fine');
    await untilAllClosed(slow);
  });

  it('one that sends its headers byte by byte -> 408, in the form of errors', async () => {
    const url = await start({ timeouts });
    const [slow] = await open(url, 1, 'GET / HTTP/1.1\r\n');
    let answer = '';
    slow!.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    const drip = setInterval(() => slow!.write('x'), 20);
    try {
      await untilAllClosed([slow!]);
    } finally {
      clearInterval(drip);
    }

    expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout/);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      success: false,
      error: { code: 'INVALID_INPUT', details: 'request: did not arrive in time' },
    });
  });

  it('some that never read a long answer -> hung up on', async () => {
    const url = await start({ timeouts });
    const slow = await open(url, 5, 'GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n');
    for (const socket of slow) socket.pause();
    let closed = 0;
    // What isn't read doesn't show the end of a connection: the server's side of it does.
    await eventually(async () => {
      for (const socket of slow) socket.write('x');
      closed = slow.filter(({ destroyed, errored }) => destroyed || errored !== null).length;
      if (closed < slow.length) throw new Error(`${closed} closed`);
    });

    expect(await (await fetch(url)).text()).toBe('fine');
  });

  it('one that reads a long answer at once -> gets all of it', async () => {
    const url = await start({ timeouts: { ...timeouts, response: 10_000 } });

    expect((await (await fetch(`${url}/much`)).arrayBuffer()).byteLength).toBe(20_000_000);
  });

  it('more connections than there may be -> closed at once, and room again when others end', async () => {
    const url = await start({ timeouts: { headers: 20_000 }, maxConnections: 10 });
    const slow = await open(url, 10, 'GET / HTTP/1.1\r\n');
    expect(
      await sendRaw(url, Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')),
    ).toBeUndefined();

    slow[0]!.destroy();

    await eventually(async () => {
      const answer = await sendRaw(url, Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'));
      expect(answer?.status).toBe(200);
    });
  });
});
