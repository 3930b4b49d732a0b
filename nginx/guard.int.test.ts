import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { baseEnvironment } from '../stack/environment.ts';
import { ensureInstalled } from '../stack/packages.ts';
import { reservePorts, type ReservedPorts } from '../stack/ports.ts';
import { guard } from '../stack/programs/guard.ts';
import { SupervisedProcess } from '../stack/supervised-process.ts';
import { ask } from './test/edge.ts';

let directory: string;
let reserved: ReservedPorts;
let port: number;
let page: Server;
let process: SupervisedProcess;
let asked: { host: string | undefined; authorization: string | undefined }[];

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-guard-test-'));
  chmodSync(directory, 0o755); // it runs as another user
  await ensureInstalled(['nginx'], directory);
  page = createServer(({ headers }, response) => {
    asked.push({ host: headers.host, authorization: headers.authorization });
    response.end('page');
  });
  page.on('upgrade', (_, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello');
  });
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  reserved = await reservePorts(1);
  [port = 0] = reserved.ports;
  const program = guard({
    name: 'guard',
    directory: path.join(directory, 'guard'),
    account: 'prometheus',
    port,
    portVariable: 'PROMETHEUS_PORT',
    upstream: `127.0.0.1:${(page.address() as AddressInfo).port}`,
    allowedHosts: 'Shop.example.com, prometheus',
    needs: [],
    environment: baseEnvironment(),
  });
  process = new SupervisedProcess({ program, directory, onStart: () => undefined, onCrash: () => undefined });
  await process.start();
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  await process.stop();
  page.close();
  await reserved.release();
  rmSync(directory, { recursive: true });
});

describe('the guard of a page', () => {
  it.each(['evil.test', 'evil.test:9090', 'localhost.evil.test', '10.0.0.1', 'prometheus.evil.test'])(
    'Host: %s -> 421, and the page is not asked',
    async (host) => {
      expect((await ask(port, '/', { headers: { host } })).status).toBe(421);
      expect(asked).toEqual([]);
    },
  );

  it.each(['localhost', '127.0.0.1:9090', '[::1]:80', 'shop.example.com', 'PROMETHEUS:9090'])(
    'Host: %s -> handed on, with the Host and the credentials that came',
    async (host) => {
      const answer = await ask(port, '/', { headers: { host, authorization: 'Basic abc' } });
      expect([answer.status, answer.text]).toEqual([200, 'page']);
      expect(asked).toEqual([{ host, authorization: 'Basic abc' }]);
    },
  );

  it.each([
    ['localhost', 101],
    ['evil.test', 421],
  ])('a WebSocket by Host: %s -> %s', async (host, expected) => {
    const status = await new Promise((resolve, reject) => {
      const opening = request({
        port,
        host: '127.0.0.1',
        headers: { host, connection: 'upgrade', upgrade: 'websocket' },
      });
      opening.once('error', reject);
      opening.once('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer.statusCode);
      });
      opening.once('response', (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      opening.end();
    });
    expect(status).toBe(expected);
  });
});
