import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sendRaw } from '@shop/testing';
import { listen, type HttpServer } from './http-server.js';

let server: HttpServer;
beforeAll(async () => {
  server = await listen((_request, response) => void response.end('fine'), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['order-service', 'Shop.example.com'],
  });
});
afterAll(() => server.stop(0));

const ask = (head: string, from = '127.0.0.1') =>
  sendRaw(`http://${from}:${server.port}`, Buffer.from(`${head}\r\nConnection: close\r\n\r\n`));
const askedBy = (host: string) => ask(`GET / HTTP/1.1\r\nHost: ${host}`);

describe('by which names a server is asked', () => {
  it.each([
    'localhost',
    'LocalHost:8081',
    '127.0.0.1',
    '127.0.0.1:1',
    '[::1]:80',
    'order-service:8082',
    'shop.example.com',
  ])('Host: %s -> answered', async (host) => {
    expect(await askedBy(host)).toMatchObject({ status: 200, body: 'fine' });
  });

  it.each([
    'evil.test',
    'evil.test:8081',
    'localhost.evil.test',
    'example.com',
    '10.0.0.1',
    '[::2]',
    '0.0.0.0',
    'a@localhost',
    '',
  ])('Host: %s -> 421, which names the setting', async (host) => {
    const answer = await askedBy(host);
    expect(answer?.status).toBe(421);
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({
      success: false,
      error: { code: 'INVALID_INPUT', details: expect.stringContaining('ALLOWED_HOSTS') },
    });
    expect(answer?.headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['two', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.test'],
    ['the same twice', 'GET / HTTP/1.1\r\nHost: localhost\r\nhOST: localhost'],
    ['another one in the address', 'GET http://evil.test/ HTTP/1.1\r\nHost: localhost'],
    ['another port in the address', 'GET http://localhost:81/ HTTP/1.1\r\nHost: localhost'],
  ])('%s -> 400', async (_case, head) => {
    expect((await ask(head))?.status).toBe(400);
  });

  it('the same one in the address, or HTTP/1.0 without any -> answered', async () => {
    expect((await ask('GET http://localhost/ HTTP/1.1\r\nHost: localhost'))?.status).toBe(200);
    expect((await ask('GET / HTTP/1.0'))?.status).toBe(200);
  });

  it('the address that the connection came to, as probes of pods have it -> answered; another one -> 421', async () => {
    const everywhere = await listen((_request, response) => void response.end('fine'), { host: '0.0.0.0', port: 0 });
    try {
      const words = (host: string) => Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const url = `http://127.0.0.2:${everywhere.port}`;
      expect((await sendRaw(url, words('127.0.0.2')))?.status).toBe(200);
      expect((await sendRaw(url, words('127.0.0.3')))?.status).toBe(421);
    } finally {
      await everywhere.stop(0);
    }
  });
});
