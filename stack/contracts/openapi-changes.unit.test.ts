import { expect, it } from '@jest/globals';
import { openApiChanges } from './openapi-changes.ts';
import type { JsonSchema } from './schema-changes.ts';

const TODAY = '2026-06-15';
const text: JsonSchema = { type: 'string' };
const order: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    state: { type: 'string', enum: ['open', 'closed'] },
    notes: text,
  },
  required: ['id', 'state'],
};
const orderRequest: JsonSchema = {
  type: 'object',
  properties: {
    amount: { type: 'number', minimum: 0, maximum: 100 },
    method: { type: ['string', 'null'], enum: ['card', 'cash', null] },
    notes: { ...text, maxLength: 100 },
    items: { type: 'array', items: { type: 'object', properties: { name: text } } },
  },
  required: ['amount'],
  anyOf: [{ required: ['method'] }, { required: ['notes'] }],
};
const place = {
  operationId: 'placeOrder',
  security: [] as object[],
  parameters: [
    { name: 'Key', in: 'header', required: false, schema: text },
    { name: 'limit', in: 'query', required: false, schema: { type: 'integer', maximum: 100 } },
  ] as { name: string; in: string; required: boolean; schema: JsonSchema }[],
  requestBody: {
    required: false,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Request' } } },
  },
  responses: {
    201: {
      headers: { Location: { required: true }, ETag: { required: false } },
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } },
    },
    400: {
      content: { 'application/json': { schema: { type: 'object', properties: { code: { const: 'INVALID' } } } } },
    },
  },
};
const old = { operationId: 'old', 'x-sunset': '2026-06-15', responses: {} };
const coming = { operationId: 'coming', 'x-sunset': '2026-06-16', responses: {} };
const paths: Record<string, object> = { '/orders': { post: place }, '/old': { get: old }, '/coming': { get: coming } };

const describe = ({ Request = orderRequest, Order = order, ...changed }: Record<string, object> = {}) => ({
  paths: { ...paths, ...changed },
  components: { schemas: { Request, Order } },
});
const changesIn = (current: object) =>
  openApiChanges(describe(), current, TODAY).map(({ whom, what }) => `${whom}: ${what}`);
const withPlace = (changes: Partial<typeof place>) => describe({ '/orders': { post: { ...place, ...changes } } });
const withCreated = (changes: object) =>
  withPlace({ responses: { ...place.responses, 201: { ...place.responses[201], ...changes } } });
const withRequest = (changes: Record<string, JsonSchema>, others: object = {}) =>
  describe({ Request: { ...orderRequest, properties: { ...orderRequest.properties, ...changes }, ...others } });
const withOrder = (changes: Record<string, JsonSchema>, others: object = {}) =>
  describe({ Order: { ...order, properties: { ...order.properties, ...changes }, ...others } });
function without<T extends object>(whole: T, name: keyof T): T {
  const { [name]: _, ...rest } = whole;
  return rest as T;
}

it.each([
  ['nothing', describe()],
  ['a new path', describe({ '/new': { get: old } })],
  ['a new method', describe({ '/orders': { post: place, get: old } })],
  ['a new field in an answer', withOrder({ more: text }, { required: ['id', 'state', 'more'] })],
  ['a new value in an answer', withOrder({ state: { type: 'string', enum: ['open', 'closed', 'lost'] } })],
  ['a field of an answer that is always there now', withOrder({}, { required: ['id', 'state', 'notes'] })],
  ['a new field in a request', withRequest({ more: text })],
  [
    'a new value in a request',
    withRequest({ method: { type: ['string', 'null'], enum: ['card', 'cash', 'wire', null] } }),
  ],
  ['wider limits', withRequest({ amount: { type: 'number', minimum: -1, maximum: 101 }, notes: text })],
  ['a field of a request that may be missing now', withRequest({}, { required: [] })],
  ['a field of a request that may be null now', withRequest({ notes: { type: ['string', 'null'], maxLength: 100 } })],
  ['a further combination', withRequest({}, { anyOf: [...(orderRequest.anyOf ?? []), { required: ['items'] }] })],
  ['no combinations any more', withRequest({}, { anyOf: undefined })],
  [
    'a new parameter',
    withPlace({ parameters: [...place.parameters, { name: 'a', in: 'query', required: false, schema: text }] }),
  ],
  ['an error that goes', withPlace({ responses: without(place.responses, 400) })],
  ['a new status', withPlace({ responses: { ...place.responses, ...{ 202: { content: {} } } } })],
  ['what was said to go by now', { ...describe(), paths: without(paths, '/old') }],
])('%s -> breaks nobody', (_, current) => {
  expect(changesIn(current)).toEqual([]);
});

it.each([
  ['a path that goes', { ...describe(), paths: without(paths, '/orders') }, 'it is there no more'],
  ['a method that goes', describe({ '/orders': { get: old } }), 'it is there no more'],
  ['another name', withPlace({ operationId: 'order' }), 'generated clients call it order, not placeOrder'],
  ['a token', withPlace({ security: [{ bearer: [] }] }), 'a token is required'],

  [
    'a parameter that goes',
    withPlace({ parameters: place.parameters.slice(1) }),
    'header parameter Key is taken no more',
  ],
  [
    'a parameter that is required',
    withPlace({ parameters: place.parameters.map((each) => ({ ...each, required: each.name === 'limit' })) }),
    'query parameter limit is required',
  ],
  [
    'a new parameter that is required',
    withPlace({ parameters: [...place.parameters, { name: 'a', in: 'query', required: true, schema: text }] }),
    'query parameter a is required',
  ],
  [
    'a narrower parameter',
    withPlace({
      parameters: [
        ...place.parameters.slice(0, 1),
        { name: 'limit', in: 'query', required: false, schema: { type: 'integer', maximum: 50 } },
      ],
    }),
    'query parameter limit has the maximum 50',
  ],

  [
    'a body that is required',
    withPlace({ requestBody: { ...place.requestBody, required: true } }),
    'a request body is required',
  ],
  [
    'another media type',
    withPlace({ requestBody: { required: false, content: {} as typeof place.requestBody.content } }),
    'a request body of application/json is taken no more',
  ],
  [
    'a field of a request that goes',
    describe({ Request: { ...orderRequest, properties: without(orderRequest.properties ?? {}, 'notes') } }),
    'request.notes has no effect any more',
  ],
  [
    'a new field that is required',
    withRequest({ more: text }, { required: ['amount', 'more'] }),
    'request.more is required',
  ],
  ['a field that is required', withRequest({}, { required: ['amount', 'notes'] }), 'request.notes is required'],
  [
    'a value of a request that goes',
    withRequest({ method: { type: ['string', 'null'], enum: ['card', null] } }),
    'request.method takes cash no more',
  ],
  [
    'values where there were none',
    withRequest({ notes: { ...text, maxLength: 100, enum: ['a', 'b'] } }),
    'request.notes takes only a, b',
  ],
  [
    'null no more',
    withRequest({ method: { type: 'string', enum: ['card', 'cash'] } }),
    'request.method takes string, and took string or null',
  ],
  [
    'a narrower type',
    withRequest({ amount: { type: 'integer', minimum: 0, maximum: 100 } }),
    'request.amount takes integer, and took number',
  ],
  ['another type', withRequest({ items: text }), 'request.items takes string, and took array'],
  [
    'a higher minimum',
    withRequest({ amount: { type: 'number', minimum: 1, maximum: 100 } }),
    'request.amount has the minimum 1',
  ],
  ['a lower maximum', withRequest({ notes: { ...text, maxLength: 99 } }), 'request.notes has the maxLength 99'],
  [
    'a pattern',
    withRequest({ notes: { ...text, maxLength: 100, pattern: '^a' } }),
    'request.notes has the pattern "^a"',
  ],
  [
    'a format',
    withRequest({ notes: { ...text, maxLength: 100, format: 'uuid' } }),
    'request.notes has the format "uuid"',
  ],
  [
    'a limit within a list',
    withRequest({
      items: { type: 'array', items: { type: 'object', properties: { name: { ...text, minLength: 1 } } } },
    }),
    'request.items[].name has the minLength 1',
  ],
  [
    'a combination that goes',
    withRequest({}, { anyOf: [{ required: ['method'] }] }),
    'request demands other combinations of fields',
  ],
  ['other fields refused', withRequest({}, { additionalProperties: false }), 'request takes no other fields'],

  ['a success that goes', withPlace({ responses: without(place.responses, 201) }), '201 is answered no more'],
  ['a header that goes', withCreated({ headers: { Location: { required: true } } }), '201 has no header ETag any more'],
  [
    'a header that may be missing',
    withCreated({ headers: { Location: { required: false }, ETag: { required: false } } }),
    '201 may be without the header Location',
  ],
  [
    'an answer of another media type',
    withCreated({ content: { 'text/plain': {} } }),
    '201 is not answered as application/json any more',
  ],
  [
    'a field of an answer that goes',
    describe({ Order: { ...order, properties: without(order.properties ?? {}, 'notes') } }),
    '201.notes is missing',
  ],
  ['a field of an answer that may be missing', withOrder({}, { required: ['id'] }), '201.state may be missing'],
  [
    'a field of an answer that may be null',
    withOrder({ notes: { type: ['string', 'null'] } }),
    '201.notes may be null, and was string',
  ],
  [
    'a field of an answer of another type',
    withOrder({ notes: { type: 'number' } }),
    '201.notes may be number, and was string',
  ],
  ['a field of an answer of no format', withOrder({ id: text }), '201.id has no longer the format uuid'],
])('%s -> breaks the clients that use that operation alone', (_, current, what) => {
  expect(changesIn(current)).toEqual([`REST clients that use POST /orders: ${what}`]);
});

it('the code of an error changes -> breaks its clients', () => {
  const responses = {
    ...place.responses,
    400: { content: { 'application/json': { schema: { type: 'object', properties: { code: { const: 'WRONG' } } } } } },
  };
  expect(changesIn(withPlace({ responses }))).toEqual([
    'REST clients that use POST /orders: 400.code is not "INVALID" any more',
  ]);
});

it('what was said to go tomorrow goes -> breaks its clients', () => {
  expect(changesIn({ ...describe(), paths: without(paths, '/coming') })).toEqual([
    'REST clients that use GET /coming: it is there no more',
  ]);
});

it('a change of what many operations share -> said once, with whom it breaks', () => {
  const shared = (Order: JsonSchema) => ({
    ...describe({ Order }),
    paths: { '/orders': { post: place, get: place, put: place, patch: place } },
  });
  expect(openApiChanges(shared(order), shared({ ...order, required: ['id'] }), TODAY)).toEqual([
    {
      whom: 'REST clients that use POST /orders, GET /orders and 2 others',
      what: '201.state may be missing',
    },
  ]);
});

it('a shape that contains itself -> looked at once', () => {
  const tree = (properties: Record<string, object>) =>
    describe({
      Order: { type: 'object', properties: { ...properties, child: { $ref: '#/components/schemas/Order' } } },
    });
  expect(openApiChanges(tree({ name: text }), tree({}), TODAY).map(({ what }) => what)).toEqual([
    '201.name is missing',
  ]);
});
