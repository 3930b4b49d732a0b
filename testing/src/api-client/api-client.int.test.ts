import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createApiClient, sendGraphql, sendRequest, type ApiClient, type ApiOrigins } from './index.js';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: Record<string, unknown>;
  body: string;
}

let server: Server;
let origin: string;
let origins: ApiOrigins;
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
  origins = {
    gateway: `${origin}/gateway`,
    userService: `${origin}/user`,
    orderService: `${origin}/order`,
    paymentService: `${origin}/payment`,
  };
  client = createApiClient({ origins });
});

beforeEach(() => {
  seen = [];
  json(200, {});
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const orderInput = {
  shippingAddress: '123 Main St',
  items: [{ productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
};

describe('a call of REST', () => {
  it('a service -> asked at its own origin, in the name of nobody', async () => {
    await client.users.GET('/api/v1/users/me');
    await client.orders.GET('/api/v1/orders', { params: { query: { limit: 1 } } });
    await client.payments.GET('/api/v1/payments/order/{orderId}', { params: { path: { orderId: '1' } } });
    expect(seen).toMatchObject([
      { method: 'GET', url: '/user/api/v1/users/me', body: '' },
      { method: 'GET', url: '/order/api/v1/orders?limit=1', body: '' },
      { method: 'GET', url: '/payment/api/v1/payments/order/1', body: '' },
    ]);
    expect(seen.filter(({ headers }) => 'authorization' in headers)).toEqual([]);
  });

  it('a token, a key and a body -> both headers, and JSON of a known length', async () => {
    const { orders } = createApiClient({ origins, token: 'abc' });
    const params = { header: { 'Idempotency-Key': 'once' } };
    await orders.POST('/api/v1/orders', { params, body: orderInput });
    const body = JSON.stringify(orderInput);
    const headers = {
      'content-type': 'application/json',
      'content-length': String(body.length),
      authorization: 'Bearer abc',
      'idempotency-key': 'once',
    };
    expect(seen).toMatchObject([{ method: 'POST', url: '/order/api/v1/orders', headers, body }]);
  });

  it('a success -> its data and meta; a refusal -> its code and message', async () => {
    json(200, { success: true, message: 'Found', data: [{ id: '1' }], meta: { total: 1, limit: 20 } });
    const listed = await client.orders.GET('/api/v1/orders');
    expect(listed.data).toMatchObject({ data: [{ id: '1' }], meta: { total: 1 } });

    json(404, { error: { code: 'NOT_FOUND', message: 'Order not found' } });
    const refused = await client.orders.GET('/api/v1/orders/{id}', { params: { path: { id: '1' } } });
    expect(refused.error?.error).toEqual({ code: 'NOT_FOUND', message: 'Order not found' });
    expect([refused.response.status, refused.data]).toEqual([404, undefined]);
  });

  it.each([200, 502])('somebody else answers, with %i -> rejects', async (status) => {
    answer = { status, type: 'text/html', body: '<h1>Welcome</h1>' };
    await expect(client.users.GET('/api/v1/users/me')).rejects.toThrow(
      `${status} from ${origins.userService}/api/v1/users/me, and no answer of the API`,
    );
  });

  it('no answer in time, or nobody there -> rejects, with the error that a middleware makes of it', async () => {
    answer = undefined;
    const impatient = createApiClient({ origins, timeout: 50 });
    await expect(impatient.users.GET('/api/v1/users/me')).rejects.toMatchObject({ name: 'TimeoutError' });

    const middleware = [{ onError: ({ error }: { error: unknown }) => new Error('is it running?', { cause: error }) }];
    const lost = createApiClient({ origins: { ...origins, userService: 'http://127.0.0.1:1' }, middleware });
    await expect(lost.users.GET('/api/v1/users/me')).rejects.toThrow('is it running?');
  });
});

describe('a request as it is written', () => {
  it('a body -> POST, or as it says; whatever is answered, refusals too', async () => {
    answer = { status: 502, type: 'text/html', body: '<h1>Bad Gateway</h1>' };
    expect(await sendRequest(`${origin}/api`, { body: { a: 1 } })).toMatchObject({
      status: 502,
      body: '<h1>Bad Gateway</h1>',
    });
    await sendRequest(`${origin}/api`, { method: 'PATCH', token: 'abc', key: 'once', body: { a: 1 } });
    const headers = { 'content-type': 'application/json', authorization: 'Bearer abc', 'idempotency-key': 'once' };
    expect(seen).toMatchObject([{ method: 'POST' }, { method: 'PATCH', url: '/api', headers, body: '{"a":1}' }]);
  });

  it('no answer in time, or nobody there -> rejects', async () => {
    answer = undefined;
    await expect(sendRequest(origin, { timeout: 50 })).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(sendRequest('http://127.0.0.1:1')).rejects.toThrow('fetch failed');
  });
});

describe('a document of GraphQL', () => {
  it('with variables -> posted', async () => {
    json(200, { data: { me: { id: '1' } } });
    const url = `${origins.gateway}/graphql`;
    const { data } = await sendGraphql(url, { query: '{ me { id } }', variables: { a: 1 }, token: 'abc' });
    expect(data).toEqual({ me: { id: '1' } });
    const body = '{"query":"{ me { id } }","variables":{"a":1}}';
    expect(seen).toMatchObject([{ method: 'POST', url: '/gateway/graphql', body }]);
  });

  it('that fails -> its errors with their codes', async () => {
    json(200, { data: { order: null }, errors: [{ message: 'Order not found', extensions: { code: 'NOT_FOUND' } }] });
    const { data, errors } = await sendGraphql(origins.gateway, { query: '{ order(id: 1) { id } }' });
    expect(data).toEqual({ order: null });
    expect(errors).toEqual([{ message: 'Order not found', extensions: { code: 'NOT_FOUND' } }]);
  });
});
