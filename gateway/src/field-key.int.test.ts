import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AppError } from '@shop/common/errors';
import { aPage, aPayment, anOrder } from '../test/resources.js';
import { codes, createTestGateway, type TestGateway } from '../test/test-gateway.js';

const INPUT =
  '{ shippingAddress: "1 Main Street", items: [{ productId: "a", productName: "A", quantity: 1, unitPrice: 1 }] }';
const payment = aPayment();

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({});
});
beforeEach(() => {
  gateway.reset();
  gateway.orders.on('POST /api/v1/orders', () => ({ data: anOrder() }));
  gateway.payments.on('POST /api/v1/payments', () => ({ data: payment }));
  gateway.payments.on(`POST /api/v1/payments/${payment.id}/process`, () => ({ data: payment }));
  gateway.payments.on(`POST /api/v1/payments/${payment.id}/refund`, () => ({ data: payment }));
});
afterAll(() => gateway.stop());

const keys = () => gateway.calls().map(({ headers }) => headers['idempotency-key']);

describe('a request with an idempotency key', () => {
  it.each([
    ['createOrder', `createOrder(input: ${INPUT}) { id }`],
    [
      'createPayment',
      `createPayment(input: { orderId: "${randomUUID()}", amount: 1, currency: "USD", method: card }) { id }`,
    ],
    ['processPayment', `processPayment(id: "${payment.id}") { id }`],
    ['refundPayment', `refundPayment(id: "${payment.id}") { id }`],
  ])('%s -> asks its service under a key of its own', async (name, field) => {
    const answer = await gateway.ask(`mutation { ${field} }`, { token, idempotencyKey: 'abc' });
    expect(answer.errors).toBeUndefined();
    expect(keys()).toEqual([`abc/${name}`]);
  });

  it('several mutations -> each field has its own key, the same each time', async () => {
    const query = `mutation { first: createOrder(input: ${INPUT}) { id } second: createOrder(input: ${INPUT}) { id } }`;
    await gateway.ask(query, { token, idempotencyKey: 'abc' });
    await gateway.ask(query, { token, idempotencyKey: 'abc' });
    expect(keys()).toEqual(['abc/first', 'abc/second', 'abc/first', 'abc/second']);
  });

  it('of 255 characters -> the derived ones still fit, and differ', async () => {
    const query = `mutation { first: createOrder(input: ${INPUT}) { id } second: createOrder(input: ${INPUT}) { id } }`;
    await gateway.ask(query, { token, idempotencyKey: 'x'.repeat(255) });
    const [first, second] = keys();
    expect([first, second]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(first).not.toBe(second);
  });

  it('that is malformed -> INVALID_INPUT naming the header, and no service is asked', async () => {
    const idempotencyKey = 'x'.repeat(256);
    const answer = await gateway.ask(`mutation { createOrder(input: ${INPUT}) { id } }`, { token, idempotencyKey });
    expect(answer.errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_INPUT',
      fields: [{ field: 'Idempotency-Key' }],
    });
    expect(gateway.calls()).toEqual([]);
  });

  it('the key stands for another request -> IDEMPOTENCY_KEY_REUSED', async () => {
    gateway.orders.on('POST /api/v1/orders', () => {
      throw new AppError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for another request');
    });
    const answer = await gateway.ask(`mutation { createOrder(input: ${INPUT}) { id } }`, {
      token,
      idempotencyKey: 'abc',
    });
    expect(codes(answer)).toEqual(['IDEMPOTENCY_KEY_REUSED']);
  });

  it('what is only read -> asked without a key', async () => {
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [], meta: aPage() }));
    await gateway.ask('{ orders { data { id } } }', { token, idempotencyKey: 'abc' });
    expect(keys()).toEqual([undefined]);
  });
});

it('a mutation without an idempotency key -> asked without one', async () => {
  await gateway.ask(`mutation { createOrder(input: ${INPUT}) { id } }`, { token });
  expect(keys()).toEqual([undefined]);
});
