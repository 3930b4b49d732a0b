import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isIntrospectionType,
  isObjectType,
  type GraphQLSchema,
} from 'graphql';
import { subscribe } from '@shop/testing';
import {
  eventually,
  graphql,
  loginAsAdmin,
  orderInput,
  placeOrder,
  register,
  rest,
  urls,
  type Account,
} from './support/system.js';

/** As in the services' own matrices: who was an admin once, and the owner after a logout, present old tokens. */
const callers = ['anonymous', 'revoked', 'demoted', 'other', 'owner', 'admin'] as const;
type Caller = (typeof callers)[number];

/**
 * What a field answers: an error's code; `value`; `none`: null without an error; `own`: what is the caller's own. Of
 * lists, `listed`: what the request is about among the rest; `unlisted`: nothing that isn't the caller's.
 */
type Outcome =
  'value' | 'none' | 'own' | 'listed' | 'unlisted' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT';

/** What one request is about, by the names of its variables; and a token, where the caller has a special one. */
interface Scene {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly token?: string;
  readonly subject?: string;
}

interface Row {
  /** `Type.field` */
  readonly field: string;
  readonly when?: string;
  readonly document: string;
  readonly outcomes: Readonly<Record<Caller, Outcome>>;
  /** Makes what is asked for again, so that no cell depends on another. */
  readonly scene: (caller: Caller) => Promise<Scene>;
}

const open = (outcome: Outcome): Row['outcomes'] => ({
  anonymous: outcome,
  revoked: outcome,
  demoted: outcome,
  other: outcome,
  owner: outcome,
  admin: outcome,
});

const guarded = (known: Record<'other' | 'owner' | 'admin', Outcome>): Row['outcomes'] => ({
  anonymous: 'UNAUTHORIZED',
  revoked: 'UNAUTHORIZED',
  demoted: 'UNAUTHORIZED',
  ...known,
});

const seenByOwner = guarded({ other: 'NOT_FOUND', owner: 'value', admin: 'value' });
const listedForOwner = guarded({ other: 'unlisted', owner: 'listed', admin: 'listed' });

let root: Account;
let owner: Account;
let other: Account;
let tokens: Record<Caller, string | undefined>;
let schema: GraphQLSchema;

const login = async ({ email, password }: Account): Promise<string> =>
  (await rest('POST', '/users/login', { body: { email, password } })).body.data.token;

const change = async (id: string, changes: object): Promise<void> => {
  expect((await rest('PUT', `/users/${id}`, { token: root.token, body: changes })).status).toBe(200);
};

/** A token of somebody who was an admin when it was issued. */
async function demotedToken(): Promise<string> {
  const account = await register();
  await change(account.id, { role: 'admin' });
  const token = await login(account);
  await change(account.id, { role: 'user' });
  return token;
}

async function loggedOutToken(account: Account): Promise<string> {
  const token = await login(account);
  expect((await rest('POST', '/users/logout', { token })).status).toBe(200);
  return token;
}

beforeAll(async () => {
  [root, owner, other] = await Promise.all([loginAsAdmin(), register(), register()]);
  const [revoked, demoted] = await Promise.all([loggedOutToken(owner), demotedToken()]);
  tokens = {
    anonymous: undefined,
    revoked,
    demoted,
    other: other.token,
    owner: owner.token,
    admin: root.token,
  };
  await eventually(async () => {
    for (const token of [revoked, demoted]) {
      const answers = await Promise.all([
        rest('GET', '/users/me', { token }),
        rest('GET', '/orders', { token }),
        rest('GET', '/payments', { token }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
      expect((await graphql('{ me { id } }', token)).body.errors[0].extensions.code).toBe('UNAUTHORIZED');
    }
  });
  schema = buildClientSchema((await graphql(getIntrospectionQuery())).body.data);
});

const withNothing = (): Promise<Scene> => Promise.resolve({ variables: {} });

const aUser = (): Promise<Scene> => Promise.resolve({ variables: { id: owner.id }, subject: owner.id });

async function anOrder(): Promise<Scene> {
  const { orderId, paymentId } = await placeOrder(owner.token);
  return { variables: { id: orderId, paymentId, orderId }, subject: orderId };
}

async function aPayment(): Promise<Scene> {
  const { orderId, paymentId } = await placeOrder(owner.token);
  return { variables: { id: paymentId, orderId }, subject: paymentId };
}

async function aPaidPayment(): Promise<Scene> {
  const scene = await aPayment();
  const paid = await rest('POST', `/payments/${String(scene.subject)}/process`, { token: owner.token });
  expect(paid.status).toBe(200);
  return scene;
}

/** An order whose payment was declined, and what asks for another one. */
async function aFurtherPayment(): Promise<Scene> {
  const { orderId, paymentId } = await placeOrder(owner.token);
  const body = { token: 'tok_chargeDeclined' };
  expect((await rest('POST', `/payments/${paymentId}/process`, { token: owner.token, body })).status).toBe(402);
  return { variables: { input: { orderId, amount: 999.99, currency: 'USD', method: 'card' } } };
}

const anOrderTo = (status: string) => async (): Promise<Scene> => {
  const { variables } = await anOrder();
  return { variables: { id: variables.id, status } };
};

/** An account of its own for each request, since it changes or ends. */
async function anAccount(caller: Caller): Promise<Scene> {
  const account = await register();
  return { variables: { id: account.id }, ...(caller === 'owner' && { token: account.token }) };
}

/** A login of its own for each request, since it ends. */
async function aLogin(caller: Caller): Promise<Scene> {
  const account = { other, owner, admin: root, anonymous: undefined, revoked: undefined, demoted: undefined }[caller];
  return { variables: {}, ...(account && { token: await login(account) }) };
}

async function aPassword(caller: Caller): Promise<Scene> {
  const account = await register();
  const isKnown = guarded({ other: 'value', owner: 'value', admin: 'value' })[caller] === 'value';
  if (caller === 'admin') await change(account.id, { role: 'admin' });
  const variables = { current: account.password, new: 'a better password' };
  return { variables, ...(isKnown && { token: await login(account) }) };
}

async function anOrderOfADeletedUser(): Promise<Scene> {
  const account = await register();
  const { orderId } = await placeOrder(account.token);
  expect((await rest('DELETE', `/users/${account.id}`, { token: root.token })).status).toBe(200);
  return { variables: { id: orderId } };
}

async function aPaymentOfADeletedOrder(): Promise<Scene> {
  const scene = await aPayment();
  const order = `/orders/${String(scene.variables.orderId)}` as const;
  const cancelled = await rest('PATCH', `${order}/status`, { token: root.token, body: { status: 'cancelled' } });
  expect(cancelled.status).toBe(200);
  expect((await rest('DELETE', order, { token: root.token })).status).toBe(200);
  return scene;
}

const page = (list: string, fields: string) => `{ ${list}(limit: 100) { data { ${fields} } } }`;
const forCallers = guarded({ other: 'value', owner: 'value', admin: 'value' });

const queries: readonly Row[] = [
  {
    field: 'Query.me',
    document: '{ me { id } }',
    outcomes: guarded({ other: 'own', owner: 'own', admin: 'own' }),
    scene: withNothing,
  },
  { field: 'Query.user', document: 'query ($id: ID!) { user(id: $id) { id } }', outcomes: seenByOwner, scene: aUser },
  {
    field: 'Query.users',
    document: page('users', 'id'),
    outcomes: listedForOwner,
    scene: async (caller) => {
      const { id, token } = await register();
      return { variables: {}, subject: id, ...(caller === 'owner' && { token }) };
    },
  },
  {
    field: 'Query.order',
    document: 'query ($id: ID!) { order(id: $id) { id } }',
    outcomes: seenByOwner,
    scene: anOrder,
  },
  { field: 'Query.orders', document: page('orders', 'id userId'), outcomes: listedForOwner, scene: anOrder },
  {
    field: 'Query.myOrders',
    document: page('myOrders', 'id userId'),
    outcomes: guarded({ other: 'unlisted', owner: 'listed', admin: 'unlisted' }),
    scene: anOrder,
  },
  {
    field: 'Query.payment',
    document: 'query ($id: ID!) { payment(id: $id) { id } }',
    outcomes: seenByOwner,
    scene: aPayment,
  },
  {
    field: 'Query.paymentByOrder',
    document: 'query ($orderId: ID!) { paymentByOrder(orderId: $orderId) { id } }',
    outcomes: seenByOwner,
    scene: aPayment,
  },
  { field: 'Query.payments', document: page('payments', 'id userId'), outcomes: listedForOwner, scene: aPayment },
  {
    field: 'Query.myPayments',
    document: page('myPayments', 'id userId'),
    outcomes: guarded({ other: 'unlisted', owner: 'listed', admin: 'unlisted' }),
    scene: aPayment,
  },
];

const mutations: readonly Row[] = [
  {
    field: 'Mutation.register',
    document: 'mutation ($input: RegisterInput!) { register(input: $input) { token } }',
    outcomes: open('value'),
    scene: () => {
      const [email, password] = [`${randomUUID()}@example.com`, 'password123'];
      return Promise.resolve({ variables: { input: { email, password, firstName: 'John', lastName: 'Doe' } } });
    },
  },
  {
    field: 'Mutation.login',
    document: 'mutation ($input: LoginInput!) { login(input: $input) { token } }',
    outcomes: open('value'),
    scene: () => Promise.resolve({ variables: { input: { email: owner.email, password: owner.password } } }),
  },
  {
    field: 'Mutation.refreshToken',
    document: 'mutation ($token: String!) { refreshToken(refreshToken: $token) { token } }',
    outcomes: open('value'),
    scene: async () => {
      const { email, password } = owner;
      const { body } = await rest('POST', '/users/login', { body: { email, password } });
      return { variables: { token: body.data.refreshToken } };
    },
  },
  { field: 'Mutation.logout', document: 'mutation { logout }', outcomes: forCallers, scene: aLogin },
  {
    field: 'Mutation.updateUser',
    when: 'its name',
    document: 'mutation ($id: ID!) { updateUser(id: $id, firstName: "Grace") { id } }',
    outcomes: seenByOwner,
    scene: anAccount,
  },
  {
    field: 'Mutation.updateUser',
    when: 'its role',
    document: 'mutation ($id: ID!) { updateUser(id: $id, role: admin) { id } }',
    outcomes: guarded({ other: 'NOT_FOUND', owner: 'FORBIDDEN', admin: 'value' }),
    scene: anAccount,
  },
  {
    field: 'Mutation.updateUser',
    when: 'whether it is active',
    document: 'mutation ($id: ID!) { updateUser(id: $id, isActive: false) { id } }',
    outcomes: guarded({ other: 'NOT_FOUND', owner: 'FORBIDDEN', admin: 'value' }),
    scene: anAccount,
  },
  {
    field: 'Mutation.changePassword',
    document: 'mutation ($current: String!, $new: String!) { changePassword(current: $current, new: $new) { token } }',
    outcomes: forCallers,
    scene: aPassword,
  },
  {
    field: 'Mutation.deleteUser',
    document: 'mutation ($id: ID!) { deleteUser(id: $id) }',
    outcomes: seenByOwner,
    scene: anAccount,
  },
  {
    field: 'Mutation.createOrder',
    document: 'mutation ($input: CreateOrderInput!) { createOrder(input: $input) { id userId } }',
    outcomes: guarded({ other: 'own', owner: 'own', admin: 'own' }),
    scene: () => Promise.resolve({ variables: { input: orderInput } }),
  },
  {
    field: 'Mutation.updateOrderStatus',
    when: 'to cancelled',
    document: 'mutation ($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { id } }',
    outcomes: seenByOwner,
    scene: anOrderTo('cancelled'),
  },
  {
    field: 'Mutation.updateOrderStatus',
    when: 'to anything else',
    document: 'mutation ($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { id } }',
    outcomes: guarded({ other: 'NOT_FOUND', owner: 'FORBIDDEN', admin: 'value' }),
    scene: anOrderTo('confirmed'),
  },
  {
    field: 'Mutation.createPayment',
    document: 'mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { id } }',
    outcomes: seenByOwner,
    scene: aFurtherPayment,
  },
  {
    field: 'Mutation.processPayment',
    when: 'by card',
    document: 'mutation ($id: ID!) { processPayment(id: $id) { id } }',
    outcomes: seenByOwner,
    scene: aPayment,
  },
  {
    field: 'Mutation.processPayment',
    when: 'in cash',
    document: 'mutation ($id: ID!) { processPayment(id: $id, method: cash) { id } }',
    outcomes: guarded({ other: 'NOT_FOUND', owner: 'FORBIDDEN', admin: 'value' }),
    scene: aPayment,
  },
  {
    field: 'Mutation.refundPayment',
    document: 'mutation ($id: ID!) { refundPayment(id: $id) { id } }',
    outcomes: guarded({ other: 'FORBIDDEN', owner: 'FORBIDDEN', admin: 'value' }),
    scene: aPaidPayment,
  },
];

/** Fields that lead from one resource to another, each asked through one that the caller would see. */
const relations: readonly Row[] = [
  {
    field: 'User.orders',
    document: 'query ($id: ID!) { user(id: $id) { orders { id userId } } }',
    outcomes: seenByOwner,
    scene: aUser,
  },
  {
    field: 'Order.user',
    document: 'query ($id: ID!) { order(id: $id) { user { id } } }',
    outcomes: seenByOwner,
    scene: anOrder,
  },
  {
    field: 'Order.user',
    when: 'once it was deleted',
    document: 'query ($id: ID!) { order(id: $id) { user { id } } }',
    outcomes: guarded({ other: 'NOT_FOUND', owner: 'NOT_FOUND', admin: 'none' }),
    scene: anOrderOfADeletedUser,
  },
  {
    field: 'Order.payment',
    document: 'query ($id: ID!) { order(id: $id) { payment { id } } }',
    outcomes: seenByOwner,
    scene: anOrder,
  },
  {
    field: 'Payment.order',
    document: 'query ($id: ID!) { payment(id: $id) { order { id } } }',
    outcomes: seenByOwner,
    scene: aPayment,
  },
  {
    field: 'Payment.order',
    when: 'once it was deleted',
    document: 'query ($id: ID!) { payment(id: $id) { order { id } } }',
    outcomes: guarded({ other: 'NOT_FOUND', owner: 'none', admin: 'none' }),
    scene: aPaymentOfADeletedOrder,
  },
  {
    field: 'Payment.user',
    document: 'query ($id: ID!) { payment(id: $id) { user { id } } }',
    outcomes: seenByOwner,
    scene: aPayment,
  },
  {
    field: 'Payment.refunds',
    document: 'query ($id: ID!) { payment(id: $id) { refunds { id } } }',
    outcomes: seenByOwner,
    scene: aPayment,
  },
];

/** Each is followed by a change of what it is about. */
const subscriptions: readonly Row[] = [
  {
    field: 'Subscription.orderUpdated',
    document: 'subscription ($id: ID!) { orderUpdated(id: $id) { id } }',
    outcomes: seenByOwner,
    scene: anOrder,
  },
  {
    field: 'Subscription.paymentUpdated',
    document: 'subscription ($orderId: ID!) { paymentUpdated(orderId: $orderId) { id } }',
    outcomes: seenByOwner,
    scene: anOrder,
  },
];

/** What isn't asked for by itself, but comes with what it is a part of. */
const parts = [
  'AuthPayload.user',
  'Order.items',
  'Order.statusHistory',
  'OrderConnection.data',
  'OrderConnection.pageInfo',
  'Payment.nextAction',
  'PaymentConnection.data',
  'PaymentConnection.pageInfo',
  'UserConnection.data',
  'UserConnection.pageInfo',
];

/** The fields that somebody could be refused: those of the roots, and those that lead from one object to another. */
function guardedFields(): string[] {
  const roots = new Set<unknown>([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter((type) => !isIntrospectionType(type))
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => roots.has(type) || isObjectType(getNamedType(field.type)))
        .map((field) => `${type.name}.${field.name}`),
    );
}

interface Thing {
  id: string;
  userId?: string;
}
type Value = boolean | null | (Thing & { data?: Thing[] });
interface Result {
  data?: Record<string, Value & Record<string, Value>> | null;
  errors?: { extensions: Record<string, unknown> }[];
}

/** What came of a row's field, in the words of the table. */
function outcomeOf({ data, errors }: Result, { field, outcomes }: Row, caller: Caller, subject?: string): string {
  if (errors) return errors.map(({ extensions }) => extensions.code).join();
  const [type = '', name = ''] = field.split('.');
  const [first] = Object.values(data ?? {});
  const value = ['Query', 'Mutation', 'Subscription'].includes(type) ? first : first?.[name];
  if (value === null || value === undefined) return 'none';
  if (outcomes[caller] === 'value') return 'value';
  const things = typeof value === 'object' ? (value.data ?? [value]) : [];
  if (things.some(({ id }) => id === subject)) return 'listed';
  const callerId = new Map<Caller, string>([
    ['owner', owner.id],
    ['other', other.id],
    ['admin', root.id],
  ]).get(caller);
  // Users have no userId: they are their own.
  const foreign = things.filter(({ id, userId = id }) => userId !== callerId);
  if (foreign.length > 0) return `others': ${JSON.stringify(foreign)}`;
  return typeof value === 'object' && value.data ? 'unlisted' : 'own';
}

const cellsOf = (rows: readonly Row[]) =>
  rows.flatMap((row) =>
    callers.map((caller) => {
      const title = [row.field, row.when].filter(Boolean).join(', ');
      return [`${title}, ${caller} -> ${row.outcomes[caller]}`, row, caller] as const;
    }),
  );

describe('who may ask for what', () => {
  it('each field that somebody could be refused -> has its row', () => {
    const fields = [...queries, ...mutations, ...relations, ...subscriptions].map(({ field }) => field);
    expect([...new Set(fields), ...parts].toSorted()).toEqual(guardedFields().toSorted());
  });

  it.each(cellsOf([...queries, ...mutations, ...relations]))('%s', async (_title, row, caller) => {
    const { variables, token = tokens[caller], subject } = await row.scene(caller);
    const { body } = await graphql(row.document, token, variables);
    expect(outcomeOf(body, row, caller, subject)).toBe(row.outcomes[caller]);
  });

  it.each(cellsOf(subscriptions))('%s', async (_title, row, caller) => {
    const { variables } = await row.scene(caller);
    const subscriber = await subscribe(`${urls.gateway}/query`, {
      query: row.document,
      variables,
      token: tokens[caller],
    });
    await rest('POST', `/payments/${String(variables.paymentId)}/process`, { token: owner.token });
    const result = await eventually(() => {
      const [first] = subscriber.results;
      return first === undefined ? Promise.reject(new Error('nothing was pushed')) : Promise.resolve(first);
    });
    subscriber.leave();
    expect(outcomeOf(result, row, caller)).toBe(row.outcomes[caller]);
  });
});

describe('the export of a user, through nginx', () => {
  const exported = (caller: Caller) =>
    rest('GET', `/users/${owner.id}/export`, { token: tokens[caller], origin: urls.nginx });

  it.each([
    ['anonymous', 401],
    ['revoked', 401],
    ['demoted', 401],
    ['other', 404],
    ['owner', 200],
    ['admin', 200],
  ] as const)('%s -> %s', async (caller, expected) => {
    const { status, headers, body } = await exported(caller);
    expect(status).toBe(expected);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.has('content-disposition')).toBe(expected === 200);
    if (expected === 200) expect(body.data.user).toMatchObject({ id: owner.id, email: owner.email });
    else expect(JSON.stringify(body)).not.toContain(owner.email);
  });

  it('of an order that was paid and refunded in part -> it stands in all that its services know', async () => {
    const { orderId, paymentId } = await placeOrder(owner.token);
    expect((await rest('POST', `/payments/${paymentId}/process`, { token: owner.token })).status).toBe(200);
    const refund = { amount: 0.99, reason: 'Scratched' };
    expect((await rest('POST', `/payments/${paymentId}/refund`, { token: root.token, body: refund })).status).toBe(200);
    await eventually(async () => {
      const { body } = await rest('GET', `/orders/${orderId}`, { token: owner.token });
      expect(body.data.status).toBe('confirmed');
    });

    const { data } = (await exported('owner')).body;
    const shown = async (path: `/orders/${string}` | `/payments/${string}`) =>
      (await rest('GET', path, { token: owner.token })).body.data;
    expect(data.orders).toContainEqual(await shown(`/orders/${orderId}`));
    expect(data.payments).toContainEqual({
      ...(await shown(`/payments/${paymentId}`)),
      refunds: [expect.objectContaining(refund)],
    });
    const actions = data.auditEntries.map(({ action }: { action: string }) => action);
    expect(actions[0]).toBe('user.data_exported');
    expect(actions.at(-1)).toBe('user.registered');
  });
});
