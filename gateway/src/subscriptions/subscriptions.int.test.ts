import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { OrderResource, PaymentResource } from '@shop/common/contracts';
import { Forbidden, NotFound, ServiceUnavailable, Unauthorized } from '@shop/common/errors';
import {
  createEventSender,
  createTestBroker,
  createTestTokens,
  eventually,
  revokeAccess,
  startTcpProxy,
  subscribe,
  type EventSender,
  type SubscribeRequest,
  type Subscriber,
  type TcpProxy,
  type TestBroker,
  timeLimit,
} from '@shop/testing';
import { orderChanged, paymentEvent } from '../../test/events.js';
import { aPayment, aUser, anOrder } from '../../test/resources.js';
import { nobodyListens, startTestGateway } from '../../test/start-test-gateway.js';
import { createTestGateway } from '../../test/test-gateway.js';
import { startStandIn, type StandIn } from '../../test/upstream.js';
import type { Config } from '../config.js';
import type { RunningGateway } from '../container.js';

const tokens = createTestTokens();
const userId = randomUUID();
const now = () => Math.floor(Date.now() / 1000);

let broker: TestBroker;
let toBroker: TcpProxy;
let source: EventSender;
let users: StandIn;
let orders: StandIn;
let payments: StandIn;
let gateway: RunningGateway;
let url: string;

const start = (settings: Partial<Config> = {}): Promise<RunningGateway> =>
  startTestGateway({
    tokens,
    brokerUrl: toBroker.url,
    serviceUrls: { ...nobodyListens, users: users.url, orders: orders.url, payments: payments.url },
    ...settings,
  });

const brokerState = async (): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/ready`);
  const { dependencies } = (await response.json()) as { dependencies: { broker: string } };
  return dependencies.broker;
};
/** Until then events would pass by the gateway. */
const untilHearing = () => eventually(async () => expect(await brokerState()).toBe('up'));

beforeAll(async () => {
  broker = await createTestBroker();
  [toBroker, users, orders, payments] = await Promise.all([
    startTcpProxy(broker.url),
    startStandIn(),
    startStandIn(),
    startStandIn(),
  ]);
  source = createEventSender(broker.url);
  gateway = await start();
  url = `http://127.0.0.1:${gateway.port}/graphql`;
});
afterAll(async () => {
  await gateway.stop();
  await source.stop();
  await Promise.all([users, orders, payments, toBroker].map((part) => part.stop()));
  await broker.stop();
});

const subscribers: Subscriber[] = [];
const open = async (what: SubscribeRequest, at = url): Promise<Subscriber> => {
  const subscriber = await subscribe(at, what);
  subscribers.push(subscriber);
  return subscriber;
};

beforeEach(async () => {
  for (const standIn of [users, orders, payments]) {
    standIn.reset();
    standIn.on('GET /ready', () => ({ data: null }));
  }
  await untilHearing();
});
afterEach(async () => {
  for (const subscriber of subscribers.splice(0)) subscriber.leave();
  await eventually(async () => expect(await openSubscriptions()).toBe(0));
});

const metric = async (name: string, at: RunningGateway = gateway): Promise<string[]> => {
  const text = await (await fetch(`http://127.0.0.1:${at.port}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`));
};
const openSubscriptions = async (at?: RunningGateway): Promise<number> =>
  (await metric('graphql_open_subscriptions', at)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

const orderUpdated = 'subscription ($id: ID!) { orderUpdated(id: $id) { status } }';
const paymentUpdated = 'subscription ($orderId: ID!) { paymentUpdated(orderId: $orderId) { id status } }';

/** An order at order-service, which `become` changes as the service would, describing it. */
function aLiveOrder(changes: Partial<OrderResource> = {}) {
  let order = anOrder({ userId, ...changes });
  let sequence = 1;
  const path = `GET /api/v1/orders/${order.id}`;
  const change = (status: OrderResource['status']) => {
    sequence++;
    order = { ...order, status, updatedAt: new Date(Date.parse(order.updatedAt) + 1_000).toISOString() };
  };
  orders.on(path, () => ({ data: order }));
  return {
    id: order.id,
    path,
    change,
    event: () => orderChanged(order, sequence),
    become: async (status: OrderResource['status']) => {
      change(status);
      await source.publish(orderChanged(order, sequence));
    },
    reads: () => orders.calls.filter((call) => `${call.method} ${call.path}` === path),
  };
}

const watch = (order: { id: string }, options: Partial<SubscribeRequest> = {}, at = url) =>
  open({ query: orderUpdated, variables: { id: order.id }, token: tokens.tokenFor({ id: userId }), ...options }, at);
const statuses = ({ results }: Subscriber) => results.map(({ data }) => data?.orderUpdated?.status);
const codes = ({ results }: Subscriber) => results.flatMap(({ errors }) => errors?.map((e) => e.extensions.code));

describe('an order that is followed', () => {
  it.each(['GET', 'POST'] as const)(
    'over %s, its status changes -> each state is pushed, and none at first',
    async (method) => {
      const order = aLiveOrder();
      const subscriber = await watch(order, { method });

      await order.become('confirmed');
      await eventually(() => expect(statuses(subscriber)).toEqual(['confirmed']));
      await order.become('processing');
      await eventually(() => expect(statuses(subscriber)).toEqual(['confirmed', 'processing']));

      expect(subscriber.status).toBe(200);
      expect(Object.fromEntries(subscriber.headers)).toMatchObject({
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      expect(subscriber.headers.has('content-encoding')).toBe(false);
      expect(subscriber.isClosed).toBe(false);
    },
  );

  it('relations are asked for -> as they are at each push, with the subscriber’s token and request id', async () => {
    const token = tokens.tokenFor({ id: userId });
    const order = aLiveOrder();
    let payment = aPayment({ orderId: order.id });
    users.on('GET /api/v1/users', () => ({ data: [aUser({ id: userId })] }));
    payments.on('GET /api/v1/payments', () => ({ data: [payment] }));
    const query = `subscription ($id: ID!) { changed: orderUpdated(id: $id) { user { email } payment { status } } }`;
    const subscriber = await watch(order, { query, token, headers: { 'x-request-id': 'my-subscription' } });

    await order.become('confirmed');
    await eventually(() => expect(subscriber.results).toHaveLength(1));
    payment = { ...payment, status: 'success' };
    await order.become('processing');
    await eventually(() => expect(subscriber.results).toHaveLength(2));

    const user = { email: 'ada@example.com' };
    expect(subscriber.results).toEqual([
      { data: { changed: { user, payment: { status: 'pending' } } } },
      { data: { changed: { user, payment: { status: 'success' } } } },
    ]);
    const calls = [users, orders, payments].flatMap((standIn) => standIn.calls);
    expect(calls).toHaveLength(3 + 2 + 2);
    for (const { headers } of calls) {
      expect(headers).toMatchObject({ authorization: `Bearer ${token}`, 'x-request-id': 'my-subscription' });
    }
  });

  it('events come twice, late or without news -> nothing is pushed, and what was received is not read again', async () => {
    const order = aLiveOrder();
    const subscriber = await watch(order);
    await order.become('confirmed');
    const old = order.event();
    await eventually(() => expect(statuses(subscriber)).toEqual(['confirmed']));
    await order.become('processing');
    await eventually(() => expect(statuses(subscriber)).toHaveLength(2));
    const reads = order.reads().length;

    await source.publish(old, order.event(), old);
    await source.publish({ ...order.event(), sequence: 10 }); // one more read, and no news
    await eventually(() => expect(order.reads()).toHaveLength(reads + 1));
    order.change('shipped');
    await source.publish({ ...order.event(), sequence: 11 });

    await eventually(() => expect(statuses(subscriber)).toEqual(['confirmed', 'processing', 'shipped']));
    expect(order.reads()).toHaveLength(reads + 2);
  });

  it('the service answers an older state than was pushed -> it is not pushed', async () => {
    const order = aLiveOrder();
    const subscriber = await watch(order);
    await order.become('confirmed');
    await eventually(() => expect(statuses(subscriber)).toEqual(['confirmed']));
    const { data } = order.event();

    const stale = { ...data, status: 'pending' as const, updatedAt: data.createdAt };
    orders.on(order.path, () => ({ data: stale }));
    await source.publish(orderChanged(stale, 7));
    await eventually(() => expect(order.reads()).toHaveLength(3));
    orders.on(order.path, () => ({ data: { ...data, status: 'shipped', updatedAt: new Date().toISOString() } }));
    await source.publish(orderChanged(stale, 8));

    await eventually(() => expect(statuses(subscriber)).toEqual(['confirmed', 'shipped']));
  });

  it('several follow it, and one another order -> each learns of its own', async () => {
    const [order, other] = [aLiveOrder(), aLiveOrder()];
    const [first, second, third] = await Promise.all([watch(order), watch(order), watch(other)]);

    await order.become('confirmed');
    await other.become('cancelled');

    await eventually(() => {
      expect([first, second, third].map(statuses)).toEqual([['confirmed'], ['confirmed'], ['cancelled']]);
    });
  });

  it('its service is down at the change -> pushed when it is back', async () => {
    const order = aLiveOrder();
    const subscriber = await watch(order);
    orders.on(order.path, () => {
      throw new ServiceUnavailable();
    });
    await order.become('confirmed');
    await eventually(() => expect(order.reads().length).toBeGreaterThanOrEqual(3));
    expect(subscriber.results).toEqual([]);

    const { data } = order.event();
    orders.on(order.path, () => ({ data }));

    await eventually(() => expect(statuses(subscriber)).toEqual(['confirmed']));
  });

  it.each([
    ['is hidden', new NotFound('Order not found'), 'NOT_FOUND'],
    ['is forbidden', new Forbidden(), 'FORBIDDEN'],
    ['is refused to the token', new Unauthorized('Token has been revoked'), 'UNAUTHORIZED'],
  ])('at a push it %s -> the error, and the end', async (_, error, code) => {
    const order = aLiveOrder();
    const subscriber = await watch(order);
    orders.on(order.path, () => {
      throw error;
    });

    await order.become('confirmed');

    await eventually(() => expect(subscriber.isClosed).toBe(true));
    expect(subscriber.results).toMatchObject([{ errors: [{ message: error.message, extensions: { code } }] }]);
    expect(subscriber.isComplete).toBe(true);
    expect(await openSubscriptions()).toBe(0);
  });
});

describe('the payments of an order that are followed', () => {
  function anOrderWithPayments() {
    const order = aLiveOrder();
    let sequence = 0;
    let latest: PaymentResource | undefined;
    payments.on(`GET /api/v1/payments/order/${order.id}`, () => {
      if (latest === undefined) throw new NotFound();
      return { data: latest };
    });
    return {
      ...order,
      notify: async (type: 'payment.created' | 'payment.failed' | 'payment.success', payment: PaymentResource) => {
        latest = payment;
        await source.publish(paymentEvent(type, payment, ++sequence));
      },
    };
  }

  it('from before the first on -> the first, its failure, and the next one', async () => {
    const order = anOrderWithPayments();
    const token = tokens.tokenFor({ id: userId });
    const subscriber = await open({ query: paymentUpdated, variables: { orderId: order.id }, token });
    const first = aPayment({ orderId: order.id });
    const second = aPayment({ orderId: order.id, createdAt: new Date().toISOString() });

    await order.notify('payment.created', first);
    await eventually(() => expect(subscriber.results).toHaveLength(1));
    await order.notify('payment.failed', { ...first, status: 'failed', updatedAt: new Date().toISOString() });
    await eventually(() => expect(subscriber.results).toHaveLength(2));
    await order.notify('payment.created', second);

    await eventually(() => {
      expect(subscriber.results.map(({ data }) => data.paymentUpdated)).toEqual([
        { id: first.id, status: 'pending' },
        { id: first.id, status: 'failed' },
        { id: second.id, status: 'pending' },
      ]);
    });
  });

  it('of somebody else’s order, without any payment -> NOT_FOUND at once', async () => {
    const order = anOrderWithPayments();
    orders.on(order.path, () => {
      throw new NotFound('Order not found');
    });
    const token = tokens.tokenFor({});
    const subscriber = await open({ query: paymentUpdated, variables: { orderId: order.id }, token });

    await eventually(() => expect(subscriber.isComplete).toBe(true));
    expect(codes(subscriber)).toEqual(['NOT_FOUND']);
  });
});

describe('what is refused at once', () => {
  it.each([
    ['no token', undefined, 'Authentication required'],
    ['a bad token', 'abc', 'Invalid token'],
    ['an expired token', tokens.tokenFor({}, { iat: now() - 60, exp: now() - 1 }), 'Token has expired'],
  ])('%s -> UNAUTHORIZED, and no service is asked', async (_, token, message) => {
    const order = aLiveOrder();
    const subscriber = await watch(order, { token });

    await eventually(() => expect(subscriber.isComplete).toBe(true));
    expect(subscriber.results).toMatchObject([{ errors: [{ message, extensions: { code: 'UNAUTHORIZED' } }] }]);
    expect(orders.calls).toEqual([]);
  });

  it('an order that is not there, or not the caller’s -> NOT_FOUND', async () => {
    const subscriber = await watch({ id: randomUUID() });

    await eventually(() => expect(subscriber.isComplete).toBe(true));
    expect(codes(subscriber)).toEqual(['NOT_FOUND']);
  });

  it('a malformed id -> INVALID_INPUT, and no service is asked', async () => {
    const subscriber = await watch({ id: '../users' });

    await eventually(() => expect(subscriber.isComplete).toBe(true));
    expect(subscriber.results[0]?.errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_INPUT',
      fields: [{ field: 'id' }],
    });
    expect(orders.calls).toEqual([]);
  });

  const deep = `${'payment { order { '.repeat(5)}id${' } }'.repeat(5)}`;
  const aliases = Array.from({ length: 31 }, (_, i) => `a${i}: id`).join(' ');
  const costly = 'user { orders(limit: 100) { user { orders(limit: 100) { id } } } }';
  it.each([
    [
      'two fields',
      'subscription ($id: ID!) { a: orderUpdated(id: $id) { id } b: orderUpdated(id: $id) { id } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a field that is left out',
      'subscription ($id: ID!) { orderUpdated(id: $id) @skip(if: true) { id } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a field that is left out by its fragment',
      'subscription ($id: ID!) { ...F } fragment F on Subscription { ... @include(if: false) { orderUpdated(id: $id) { id } } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['too much depth', `subscription ($id: ID!) { orderUpdated(id: $id) { ${deep} } }`, 'QUERY_TOO_COMPLEX'],
    ['too many aliases', `subscription ($id: ID!) { orderUpdated(id: $id) { ${aliases} } }`, 'QUERY_TOO_COMPLEX'],
    ['too high a cost', `subscription ($id: ID!) { orderUpdated(id: $id) { ${costly} } }`, 'QUERY_TOO_COMPLEX'],
  ])('%s -> refused, and no service is asked', async (_, query, code) => {
    const subscriber = await watch(aLiveOrder(), { query });

    await eventually(() => expect(subscriber.isComplete).toBe(true));
    expect(codes(subscriber)).toEqual([code]);
    expect(orders.calls).toEqual([]);
  });

  it.each([
    ['application/json', 200, 'application/json'],
    ['multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json', 200, 'application/json'],
    ['application/graphql-response+json', 406, 'application/graphql-response+json'],
    ['application/graphql-response+json,application/json;q=0.9', 406, 'application/graphql-response+json'],
    ['text/html', 406, 'application/json'],
  ])(
    'asked for as %s, which can not last -> %i, an error that names server-sent events',
    async (accept, status, type) => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          accept,
          'content-type': 'application/json',
          authorization: `Bearer ${tokens.tokenFor({ id: userId })}`,
        },
        body: JSON.stringify({ query: orderUpdated, variables: { id: aLiveOrder().id } }),
      });

      expect([answer.status, answer.headers.get('content-type')]).toEqual([status, `${type}; charset=utf-8`]);
      expect(await answer.json()).toEqual({
        errors: [{ message: expect.stringContaining('text/event-stream'), extensions: { code: 'NOT_ACCEPTABLE' } }],
      });
      expect(await openSubscriptions()).toBe(0);
    },
  );

  it('more at a time than an account or all may have -> refused until one is left', async () => {
    const small = await start({ subscriptionLimits: { perAccount: 2, perAddress: 10, inAll: 3 } });
    const at = `http://127.0.0.1:${small.port}/graphql`;
    const watchAs = (id: string) => watch(order, { token: tokens.tokenFor({ id }) }, at);
    const [order, ada, bob, eve] = [aLiveOrder(), randomUUID(), randomUUID(), randomUUID()];
    try {
      const first = await watchAs(ada);
      await watchAs(ada);
      const third = await watchAs(ada);
      await eventually(() => expect(codes(third)).toEqual(['RATE_LIMITED']));
      await watchAs(bob);
      const beyond = await watchAs(eve);
      await eventually(() => expect(codes(beyond)).toEqual(['SERVICE_UNAVAILABLE']));

      first.leave();
      await eventually(async () => expect(await openSubscriptions(small)).toBe(2));
      const again = await watchAs(ada);
      expect(await openSubscriptions(small)).toBe(3);
      expect(again.results).toEqual([]);
    } finally {
      await small.stop();
    }
  });
});

describe('one address with many accounts', () => {
  it('more at a time than an address may have -> refused until one is left, and others have places', async () => {
    const proxies = ['127.0.0.1'];
    const small = await start({
      trustedProxies: proxies,
      subscriptionLimits: { perAccount: 2, perAddress: 3, inAll: 100 },
    });
    const at = `http://127.0.0.1:${small.port}/graphql`;
    const order = aLiveOrder();
    const followFrom = (address: string) =>
      watch(order, { token: tokens.tokenFor({}), headers: { 'x-forwarded-for': address } }, at);
    try {
      const first = await followFrom('192.0.2.1');
      await followFrom('192.0.2.1');
      await followFrom('192.0.2.1');
      const beyond = await followFrom('192.0.2.1');
      await eventually(() => expect(codes(beyond)).toEqual(['RATE_LIMITED']));
      const other = await followFrom('192.0.2.2');
      expect(await openSubscriptions(small)).toBe(4);

      first.leave();
      await eventually(async () => expect(await openSubscriptions(small)).toBe(3));
      const again = await followFrom('192.0.2.1');
      expect(await openSubscriptions(small)).toBe(4);
      expect([...other.results, ...again.results]).toEqual([]);
    } finally {
      await small.stop();
    }
  });

  it('no places left in all -> refusals are no errors in the log', async () => {
    const small = await createTestGateway();
    try {
      const order = anOrder({ userId });
      small.orders.on(`GET /api/v1/orders/${order.id}`, () => ({ data: order }));
      const ask = (id: string) =>
        small.yoga.fetch('http://gateway/graphql', {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'text/event-stream',
            authorization: `Bearer ${small.tokens.tokenFor({ id })}`,
          },
          body: JSON.stringify({ query: orderUpdated, variables: { id: order.id } }),
        });
      for (let place = 0; place < 10; place++) await ask(randomUUID());
      const refused = await Promise.all(Array.from({ length: 20 }, async () => (await ask(randomUUID())).text()));

      for (const text of refused) expect(text).toContain('"SERVICE_UNAVAILABLE"');
      expect(small.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    } finally {
      await small.stop();
    }
  });
});

describe('a subscription ends', () => {
  it('when its token expires -> UNAUTHORIZED', async () => {
    const exp = now() + 2;
    const subscriber = await watch(aLiveOrder(), { token: tokens.tokenFor({ id: userId }, { exp }) });

    await eventually(() => expect(subscriber.isComplete).toBe(true));
    expect(subscriber.results).toMatchObject([
      { errors: [{ message: 'Token has expired', extensions: { code: 'UNAUTHORIZED' } }] },
    ]);
    expect(Date.now() / 1000 - exp).toBeGreaterThanOrEqual(0);
    expect(Date.now() - exp * 1_000).toBeLessThan(timeLimit(1_000));
  });

  it('when its login is revoked -> UNAUTHORIZED within two seconds, and others go on', async () => {
    const order = aLiveOrder();
    const token = tokens.tokenFor({ id: userId }, { sid: 'ends' });
    const [subscriber, other] = await Promise.all([watch(order, { token }), watch(order)]);

    await revokeAccess(broker.url, [{ userId, sid: 'ends' }]);

    await eventually(() => expect(subscriber.isComplete).toBe(true), { timeout: timeLimit(2_000) });
    expect(subscriber.results).toMatchObject([
      { errors: [{ message: 'Token has been revoked', extensions: { code: 'UNAUTHORIZED' } }] },
    ]);
    await order.become('confirmed');
    await eventually(() => expect(statuses(other)).toEqual(['confirmed']));
    expect(subscriber.results).toHaveLength(1);
  });

  it('when the gateway stops -> complete, at once and without an error', async () => {
    const stopping = await start();
    const subscriber = await watch(aLiveOrder(), {}, `http://127.0.0.1:${stopping.port}/graphql`);
    const started = performance.now();

    await stopping.stop();

    expect(performance.now() - started).toBeLessThan(timeLimit(5_000));
    await eventually(() => expect(subscriber.isClosed).toBe(true));
    expect(subscriber).toMatchObject({ isComplete: true, results: [] });
  });

  it('when the client goes away, at whatever point -> nothing of it is left', async () => {
    const order = aLiveOrder();
    const idle = await watch(order);
    const busy = await watch(order);
    await order.become('confirmed');
    await eventually(() => expect(statuses(busy)).toEqual(['confirmed']));
    expect(await openSubscriptions()).toBe(2);

    idle.leave();
    busy.leave();

    await eventually(async () => expect(await openSubscriptions()).toBe(0));
    const witness = await watch(order);
    const reads = order.reads().length;
    await order.become('shipped');
    await eventually(() => expect(statuses(witness)).toEqual(['shipped']));
    expect(order.reads()).toHaveLength(reads + 1);
  });

  it('when the client goes away while it is being authorized -> nothing of it is left', async () => {
    const order = aLiveOrder();
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    const { data } = order.event();
    orders.on(order.path, async () => {
      await held;
      return { data };
    });
    const gone = new AbortController();
    const opening = fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${tokens.tokenFor({ id: userId })}`,
      },
      body: JSON.stringify({ query: orderUpdated, variables: { id: order.id } }),
      signal: gone.signal,
    });
    await eventually(async () => expect(await openSubscriptions()).toBe(1));

    gone.abort();
    await expect(opening).rejects.toThrow();

    await eventually(async () => expect(await openSubscriptions()).toBe(0));
    answer();
  });
});

describe('a subscriber that goes away between two pings', () => {
  const subscribeRaw = async (order: { id: string }): Promise<Socket> => {
    const body = JSON.stringify({ query: orderUpdated, variables: { id: order.id } });
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined); // the gateway may cut it off
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n` +
        `Authorization: Bearer ${tokens.tokenFor({ id: userId })}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toContain('text/event-stream');
    return socket;
  };
  const untilFree = async (): Promise<number> => {
    const since = performance.now();
    await eventually(async () => expect(await openSubscriptions()).toBe(0));
    return performance.now() - since;
  };
  const environment = process.env.NODE_ENV;
  beforeEach(() => {
    process.env.NODE_ENV = 'development'; // in tests Yoga pings every 300 ms
  });
  afterEach(() => {
    process.env.NODE_ENV = environment;
  });

  it.each([
    ['ends its side', (socket: Socket) => socket.end()],
    ['is cut off', (socket: Socket) => socket.resetAndDestroy()],
  ])('and %s -> its place is free at once', async (_, leave) => {
    const socket = await subscribeRaw(aLiveOrder());
    expect(await openSubscriptions()).toBe(1);

    leave(socket);

    expect(await untilFree()).toBeLessThan(timeLimit(5_000));
    socket.destroy();
  });

  it('while a push waits for a service -> its place is free at once', async () => {
    const order = aLiveOrder();
    const socket = await subscribeRaw(order);
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    const reads = order.reads().length;
    order.change('confirmed');
    const event = order.event();
    orders.on(order.path, async () => {
      await held;
      return { data: event.data };
    });
    await source.publish(event);
    await eventually(() => expect(order.reads().length).toBeGreaterThan(reads));

    socket.end();

    expect(await untilFree()).toBeLessThan(timeLimit(5_000));
    answer();
    socket.destroy();
  });
});

describe('an open connection', () => {
  it('nothing happens -> heartbeats keep it open, and its duration is not counted among those of queries', async () => {
    const counted = async (route: string) =>
      (await metric('http_server_responses_total')).find((line) =>
        line.includes(`http_request_method="GET",http_route="${route}",http_response_status_code="200"`),
      );
    const before = await Promise.all(['/graphql', '/graphql subscription'].map(counted));
    const subscriber = await watch(aLiveOrder(), { method: 'GET' });

    await eventually(() => expect(subscriber.heartbeats).toBeGreaterThanOrEqual(3));
    subscriber.leave();

    await eventually(async () => expect(await counted('/graphql subscription')).not.toBe(before[1]));
    expect(await counted('/graphql')).toBe(before[0]);
  });

  it('its client does not read -> it is not pushed into, and gets the newest state in the end', async () => {
    const notes = 'x'.repeat(60_000);
    const order = aLiveOrder({ notes });
    const query = 'subscription ($id: ID!) { orderUpdated(id: $id) { updatedAt notes } }';
    const body = JSON.stringify({ query, variables: { id: order.id } });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${tokens.tokenFor({ id: userId })}`,
      };
      request(url, { method: 'POST', headers }, resolve).on('error', reject).end(body);
    });
    response.pause();

    // The buffers between the two hold some of it; what comes then is read only once there is room again.
    const isRead = (reads: number) =>
      eventually(() => expect(order.reads().length).toBeGreaterThan(reads), { timeout: 5_000 }).then(
        () => true,
        () => false,
      );
    let isPushed = true;
    for (let changes = 0; isPushed && changes < 1_000; changes++) {
      const reads = order.reads().length;
      await order.become('confirmed');
      isPushed = await isRead(reads);
    }
    expect(isPushed).toBe(false);
    for (let changes = 0; changes < 10; changes++) await order.become('confirmed');
    const last = order.event().data.updatedAt;
    const reads = order.reads().length;

    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.resume();
    await eventually(() => expect(text).toContain(`"updatedAt":"${last}"`));
    expect(order.reads().length - reads).toBeLessThanOrEqual(2);
    response.destroy();
  });
});

describe('while the broker is away', () => {
  it('subscriptions stay open -> what was missed is pushed once it is back, if there is news, and later events flow', async () => {
    const [changed, unchanged] = [aLiveOrder(), aLiveOrder()];
    const [first, second] = await Promise.all([watch(changed), watch(unchanged)]);
    toBroker.cut();
    await eventually(async () => expect(await brokerState()).toBe('down'));
    changed.change('confirmed');
    changed.change('processing');
    await source.publish(changed.event()); // nobody consumes it
    const early = await watch(unchanged); // begun meanwhile

    toBroker.mend();

    await eventually(() => expect(statuses(first)).toEqual(['processing']));
    await untilHearing();
    await unchanged.become('cancelled');
    await eventually(() => expect([second, early].map(statuses)).toEqual([['cancelled'], ['cancelled']]));
    expect(statuses(first)).toEqual(['processing']);
  });
});
