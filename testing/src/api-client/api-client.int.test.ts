import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiClient, sendRequest } from './index.js';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: Record<string, unknown>;
  body: string;
}

let server: Server;
let origin: string;
let client: ApiClient;
let seen: Seen[];
let answer: { status: number; type: string; body: string } | undefined;

const json = (status: number, body: object): void => {
  answer = { status, type: 'application/json; charset=utf-8', body: JSON.stringify(body) };
};

beforeAll(async () => {
  server = createServer((request, response) => {
    void (async () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: await text(request) });
      if (answer) response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new ApiClient({
    gateway: `${origin}/gateway`,
    userService: `${origin}/user`,
    orderService: `${origin}/order`,
    paymentService: `${origin}/payment`,
  });
});

beforeEach(() => {
  seen = [];
  json(200, {});
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a call of REST', () => {
  it.each([
    ['/users/me', '/user/api/v1/users/me'],
    ['/orders?limit=1', '/order/api/v1/orders?limit=1'],
    ['/payments/order/1', '/payment/api/v1/payments/order/1'],
  ] as const)('%s -> goes to the service that has it', async (path, url) => {
    await client.rest({ path });
    expect(seen).toMatchObject([{ method: 'GET', url, body: '' }]);
  });

  it('a body, a token and a key -> POST, as JSON, with both headers', async () => {
    await client.rest({ path: '/orders', token: 'abc', key: 'once', body: { items: [] } });
    const headers = { 'content-type': 'application/json', authorization: 'Bearer abc', 'idempotency-key': 'once' };
    expect(seen).toMatchObject([{ method: 'POST', headers, body: '{"items":[]}' }]);
  });

  it('an origin -> asked instead of the service', async () => {
    await client.rest({ method: 'PATCH', path: '/orders/1/status', origin: `${origin}/nginx` });
    expect(seen).toMatchObject([{ method: 'PATCH', url: '/nginx/api/v1/orders/1/status' }]);
  });

  it('a success -> its data and meta; a refusal -> its code and message', async () => {
    json(200, { data: [{ id: '1' }], meta: { total: 1, limit: 20 } });
    const listed = await client.rest({ path: '/orders' });
    expect(listed).toMatchObject({ status: 200, data: [{ id: '1' }], meta: { total: 1 } });

    json(404, { error: { code: 'NOT_FOUND', message: 'Order not found' } });
    const refused = await client.rest({ path: '/orders/1' });
    expect(refused).toMatchObject({ status: 404, error: { code: 'NOT_FOUND', message: 'Order not found' } });
    expect(refused.data).toBeUndefined();
  });

  it('somebody else answers -> the text, and nothing of the envelope', async () => {
    answer = { status: 502, type: 'text/html', body: '<h1>Bad Gateway</h1>' };
    const { status, body, data, error } = await client.rest({ path: '/orders' });
    expect([status, body, data, error]).toEqual([502, '<h1>Bad Gateway</h1>', undefined, undefined]);
  });

  it('no answer in time, or nobody there -> rejects', async () => {
    answer = undefined;
    await expect(client.rest({ path: '/orders', timeout: 50 })).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(sendRequest('http://127.0.0.1:1')).rejects.toThrow('fetch failed');
  });
});

describe('a document of GraphQL', () => {
  it('with variables -> posted to the gateway', async () => {
    json(200, { data: { me: { id: '1' } } });
    const { data } = await client.graphql({ query: '{ me { id } }', variables: { a: 1 }, token: 'abc' });
    expect(data).toEqual({ me: { id: '1' } });
    const body = '{"query":"{ me { id } }","variables":{"a":1}}';
    expect(seen).toMatchObject([{ method: 'POST', url: '/gateway/graphql', body }]);
  });

  it('that fails -> its errors with their codes', async () => {
    json(200, { data: { order: null }, errors: [{ message: 'Order not found', extensions: { code: 'NOT_FOUND' } }] });
    const { data, errors } = await client.graphql({ query: '{ order(id: 1) { id } }', endpoint: '/query' });
    expect(data).toEqual({ order: null });
    expect(errors).toEqual([{ message: 'Order not found', extensions: { code: 'NOT_FOUND' } }]);
    expect(seen[0]?.url).toBe('/gateway/query');
  });
});
