import { describe, expect, it } from '@jest/globals';
import { breakingChanges, currentContracts, releasedContracts, type Contracts } from './contracts.ts';
import type { JsonSchema } from './schema-changes.ts';

const TODAY = '2026-06-15';
const text = { type: 'string' };
const event = (data: JsonSchema): JsonSchema => ({
  $id: 'urn:a',
  type: 'object',
  properties: { data },
  required: ['data'],
});
const object = (properties: Record<string, JsonSchema>, required = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  properties,
  required,
});
const list = { operationId: 'listOrders', responses: { 200: {} } };
const before: Contracts = {
  openapi: { paths: { '/orders': { get: list }, '/old': { get: { ...list, 'x-sunset': TODAY } } } },
  graphql: `
    type Query { order(id: ID!): Order }
    type Order {
      id: ID! notes: String state: State
      old: String @deprecated(reason: "Use notes. Sunset 2026-06-15.")
      new: String @deprecated(reason: "Use notes. Sunset 2026-06-16.")
      vague: String @deprecated(reason: "Use notes.")
    }
    enum State { open closed }`,
  events: {
    'order.created': event(
      object({
        id: { type: 'string', format: 'uuid' },
        amount: { type: 'number' },
        reason: { anyOf: [text, { type: 'null' }] },
        status: { type: 'string', enum: ['open', 'closed'] },
        items: { type: 'array', items: object({ name: text }) },
      }),
    ),
    'order.closed': event(object({})),
  },
};

async function changesIn(changed: Partial<Contracts>): Promise<string[]> {
  return (await breakingChanges(before, { ...before, ...changed }, TODAY)).map(({ whom, what }) => `${whom}: ${what}`);
}
const withData = (changes: Record<string, JsonSchema | undefined>, optional: string[] = []) => {
  const data = before.events['order.created']?.properties?.data?.properties;
  const entries = Object.entries({ ...data, ...changes }).filter((entry): entry is [string, JsonSchema] => !!entry[1]);
  const properties = Object.fromEntries(entries);
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { events: { ...before.events, 'order.created': event(object(properties, required)) } };
};

it('today’s contracts -> break nobody who uses the released ones', async () => {
  const today = new Date().toISOString().slice(0, 10);
  expect(await breakingChanges(releasedContracts(), currentContracts(), today)).toEqual([]);
});

it('today’s description of the REST API -> every service’s, without what nginx shows nobody', () => {
  const { openapi } = currentContracts();
  expect(openapi).toMatchObject({
    paths: {
      '/api/v1/users/login': { post: { operationId: 'login' } },
      '/api/v1/orders': { post: { operationId: 'placeOrder' } },
      '/api/v1/payments/{id}/refund': { post: { operationId: 'refundPayment' } },
      '/.well-known/jwks.json': { get: { operationId: 'getKeys' } },
    },
  });
  expect(openapi).not.toHaveProperty(['paths', '/metrics']);
});

it('no change, and what is only added -> breaks nobody', async () => {
  expect(await changesIn({})).toEqual([]);
  expect(await changesIn({ graphql: before.graphql.replace('notes: String', 'notes: String more: Int') })).toEqual([]);
  expect(await changesIn({ graphql: before.graphql.replace('closed', 'closed lost') })).toEqual([]);
  expect(await changesIn(withData({ more: text }, ['more']))).toEqual([]);
  expect(await changesIn(withData({ status: { type: 'string', enum: ['open', 'closed', 'lost'] } }))).toEqual([]);
  expect(await changesIn(withData({ amount: { type: 'integer' }, reason: text }))).toEqual([]);
});

it('REST: what is deprecated goes on its day -> breaks nobody; another path goes -> breaks its clients', async () => {
  const changed = { openapi: { paths: {} } };
  expect(await changesIn(changed)).toEqual(['REST clients that use GET /orders: it is there no more']);
});

describe('GraphQL', () => {
  it.each([
    ['a field that goes', 'notes: String', '', 'Order.notes'],
    ['a field of another type', 'notes: String', 'notes: Int', 'Order.notes'],
    ['a field that may be null', 'id: ID! notes', 'id: ID notes', 'Order.id'],
    ['an argument that is required', 'order(id: ID!)', 'order(id: ID!, by: ID!)', 'Query.order'],
    ['a value that goes', ' closed', '', 'State.closed'],
  ])('%s -> breaks the clients that use it', async (_, from, to, path) => {
    const changes = await changesIn({ graphql: before.graphql.replace(from, to) });
    expect(changes).toEqual([expect.stringContaining(`GraphQL clients that use ${path}`)]);
  });

  it.each([
    ['old', 0],
    ['new', 1],
    ['vague', 1],
  ])('the deprecated field %s goes -> %i breaking changes: its day must have come', async (name, count) => {
    const without = before.graphql.replace(new RegExp(`${name}: String @deprecated.*`), '');
    expect(await changesIn({ graphql: without })).toHaveLength(count);
  });
});

describe('events', () => {
  it.each([
    ['a field that goes', withData({ amount: undefined }), 'order.created.data.amount is missing'],
    ['a field that may be missing', withData({}, ['amount']), 'order.created.data.amount may be missing'],
    ['another type', withData({ amount: text }), 'order.created.data.amount may be string, and was number'],
    [
      'a field that may be null',
      withData({ amount: { anyOf: [{ type: 'number' }, { type: 'null' }] } }),
      'order.created.data.amount may be null, and was number',
    ],
    ['another form', withData({ id: text }), 'order.created.data.id has no longer the format uuid'],
    [
      'another name of its schema',
      { events: { ...before.events, 'order.created': { ...before.events['order.created'], $id: 'urn:b' } } },
      'its schema is called urn:b, and was urn:a',
    ],
    [
      'a field within a list',
      withData({ items: { type: 'array', items: object({}) } }),
      'order.created.data.items[].name is missing',
    ],
  ])('%s -> breaks the consumers of that event alone', async (_, changed, what) => {
    expect(await changesIn(changed)).toEqual([`consumers of order.created: ${what}`]);
  });

  it('an event that goes -> breaks its consumers', async () => {
    const { 'order.closed': _, ...events } = before.events;
    expect(await changesIn({ events })).toEqual(['consumers of order.closed: the event is published no more']);
  });
});
