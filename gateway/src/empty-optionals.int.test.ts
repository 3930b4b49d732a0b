import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { InvalidInput } from '@shop/common/errors';
import { aPage, aPayment, anOrder, aUser } from '../test/resources.js';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({ id: aUser().id });
});
beforeEach(() => gateway.reset());
afterAll(() => gateway.stop());

describe('an optional input that is empty -> as if it were absent', () => {
  it.each([
    ['in variables', '($after: String, $status: OrderStatus)', '(after: $after, status: $status)'],
    ['in the query', '', '(after: "")'],
  ])('of a list, %s', async (_case, variables, args) => {
    gateway.orders.on('GET /api/v1/orders', () => ({ data: [], meta: aPage() }));
    const query = `query ${variables} { orders${args} { data { id } } }`;
    const { errors } = await gateway.ask(query, { token, variables: { after: '', status: '' } });
    expect(errors).toBeUndefined();
    expect([...gateway.orders.calls[0]!.query.keys()]).toEqual(['total']);
  });

  it('in an input object', async () => {
    gateway.orders.on('POST /api/v1/orders', () => ({ data: anOrder() }));
    const item = { productId: 'p', productName: 'P', quantity: 1, unitPrice: 1 };
    const input = { currency: '', notes: '', shippingAddress: '1 Main Street', items: [item] };
    const query = 'mutation ($input: CreateOrderInput!) { createOrder(input: $input) { id } }';
    const { errors } = await gateway.ask(query, { token, variables: { input } });
    expect(errors).toBeUndefined();
    expect(gateway.orders.calls[0]!.body).toEqual({ shippingAddress: '1 Main Street', items: [item] });
  });

  it('of a mutation', async () => {
    const { id } = aPayment();
    gateway.payments.on(`POST /api/v1/payments/${id}/process`, () => ({ data: aPayment({ id }) }));
    const query =
      'mutation ($id: ID!, $token: String, $method: PaymentMethod) { processPayment(id: $id, token: $token, method: $method) { id } }';
    const { errors } = await gateway.ask(query, { token, variables: { id, token: '', method: '' } });
    expect(errors).toBeUndefined();
    expect(gateway.payments.calls[0]!.body).toEqual({ method: null });
  });
});

it('a required input that is empty -> for the service to check', async () => {
  const fields = [{ field: 'shippingAddress', message: 'must not be empty' }];
  gateway.orders.on('POST /api/v1/orders', () => {
    throw new InvalidInput(fields);
  });
  const { errors } = await gateway.ask('mutation { createOrder(input: { shippingAddress: "", items: [] }) { id } }', {
    token,
  });
  expect(gateway.orders.calls[0]!.body).toEqual({ shippingAddress: '', items: [] });
  expect(errors?.[0]?.extensions.fields).toEqual(fields);
});

it('a word that no enum has -> refused as before', async () => {
  const query = 'query ($status: OrderStatus) { orders(status: $status) { data { id } } }';
  const { errors } = await gateway.ask(query, { token, variables: { status: 'paid' } });
  expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
});

it('what a service says of its cursor -> said of the argument that the client knows', async () => {
  gateway.orders.on('GET /api/v1/orders', () => {
    throw new InvalidInput([{ field: 'cursor', message: 'is not a valid cursor for this list' }]);
  });
  const { errors } = await gateway.ask('{ orders(after: "x") { data { id } } }', { token });
  expect(errors?.[0]?.extensions).toMatchObject({
    details: 'after: is not a valid cursor for this list',
    fields: [{ field: 'after', message: 'is not a valid cursor for this list' }],
  });
});
