import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { placeOrder, register, rest, urls } from './support/system.js';

let browser: Browser;
let page: Page;
let frontend: Server;

/** A page of a frontend's development server: another origin than ours, on this machine. */
beforeAll(async () => {
  frontend = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>a shop</title>');
  });
  await new Promise<void>((resolve) => frontend.listen(0, 'localhost', resolve));
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  page = await browser.newPage();
  await page.goto(`http://localhost:${(frontend.address() as AddressInfo).port}`);
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => frontend.close(resolve));
});

interface Seen {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Asks from the page, as its script would; rejects as there, with "Failed to fetch", where the browser hides the answer. */
const ask = (url: string, init: object = {}): Promise<Seen> =>
  page.evaluate(
    async ([address, options]) => {
      const response = await fetch(address, options);
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers as Iterable<[string, string]>),
        body: await response.text(),
      };
    },
    [url, init] as const,
  );
const json = { 'content-type': 'application/json' };

describe('a frontend on another port of this machine', () => {
  it('registers, orders with an Idempotency-Key and traces, and asks GraphQL, through nginx', async () => {
    const credentials = { email: `${randomUUID()}@example.com`, password: 'password123' };
    const registered = await ask(`${urls.nginx}/api/v1/users/register`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ ...credentials, firstName: 'John', lastName: 'Doe' }),
    });
    expect(registered.status).toBe(201);
    const authorization = `Bearer ${JSON.parse(registered.body).data.token}`;

    const order = {
      method: 'POST',
      headers: {
        ...json,
        authorization,
        'idempotency-key': randomUUID(),
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'a=1',
        baggage: 'b=2',
      },
      body: JSON.stringify({
        shippingAddress: '123 Main St',
        items: [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
      }),
    };
    const placed = await ask(`${urls.nginx}/api/v1/orders`, order);
    const again = await ask(`${urls.nginx}/api/v1/orders`, order);
    expect([placed.status, again.status]).toEqual([201, 201]);
    expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true', 'x-request-id': expect.any(String) });

    const { status, body } = await ask(`${urls.nginx}/graphql`, {
      method: 'POST',
      headers: { ...json, authorization, 'apollo-require-preflight': 'true' },
      body: JSON.stringify({ query: '{ me { email orders { status } } }' }),
    });
    expect([status, JSON.parse(body)]).toMatchObject([200, { data: { me: { email: credentials.email } } }]);
  });

  it('asks the gateway and each service at its own port -> answered, refusals with their reason', async () => {
    for (const url of [
      `${urls.userService}/api/v1/users/me`,
      `${urls.orderService}/api/v1/orders`,
      `${urls.paymentService}/api/v1/payments`,
    ]) {
      const { status, body } = await ask(url, { headers: { authorization: 'Bearer nonsense' } });
      expect([url, status, JSON.parse(body).error.code]).toEqual([url, 401, 'UNAUTHORIZED']);
    }
    expect((await ask(`${urls.gateway}/graphql?query={__typename}`)).status).toBe(200);
  });

  it.each([
    ['no such route', '/nothing', {}, 404, 'NOT_FOUND'],
    [
      'too large a body',
      '/graphql',
      { method: 'POST', headers: json, body: 'x'.repeat(1_100_000) },
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    ['too long an address', `/api/v1/orders?${'a'.repeat(8_000)}`, {}, 431, 'INVALID_INPUT'],
  ])('an error of nginx’s own, %s -> the page can read it', async (_, path, init, status, code) => {
    const answer = await ask(urls.nginx + path, init);

    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([status, code]);
  });

  it('follows an order by fetch, with its token -> each change comes', async () => {
    const { token } = await register();
    const { orderId } = await placeOrder(token);
    await page.evaluate(
      async ([url, authorization, id]) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization },
          body: JSON.stringify({ query: `subscription { orderUpdated(id: "${id}") { status } }` }),
        });
        const events: string[] = [];
        Object.assign(globalThis, { events });
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        void (async () => {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            events.push(value);
          }
        })();
      },
      [`${urls.nginx}/graphql`, `Bearer ${token}`, orderId] as const,
    );

    await rest('PATCH', `/orders/${orderId}/status`, { token, body: { status: 'cancelled' } });

    await page.waitForFunction('globalThis.events.join("").includes("cancelled")');
  });

  it('a page from elsewhere -> sees nothing', async () => {
    const elsewhere = await browser.newPage();
    await elsewhere.route('http://evil.test/', (route) => route.fulfill({ contentType: 'text/html', body: 'evil' }));
    await elsewhere.goto('http://evil.test/');
    const seen = elsewhere.evaluate((url) => fetch(url).then((response) => response.text()), `${urls.nginx}/health`);
    await expect(seen).rejects.toThrow('Failed to fetch');
  });
});
