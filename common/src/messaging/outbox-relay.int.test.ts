import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, timeLimit } from '@shop/testing';
import { orderCreatedDraft } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import { RevocationList } from '../auth/index.js';
import { eventSchemas, type EventDraft, type IncomingEventOf } from '../contracts/index.js';
import { createMetrics } from '../metrics/index.js';
import type { BrokerConnection } from '../rabbitmq/index.js';

let bench: MessagingBench;

beforeAll(async () => {
  bench = await MessagingBench.open();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

const LOST = 'outbox relay lost its database';

const failMarks = (sqlState: string) =>
  bench.sql.query(`
    CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${sqlState}'; END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION fail()`);

/** As after a failover: sessions that are opened from now on can only read. */
async function setReadOnly(isReadOnly: boolean): Promise<void> {
  const name = new URL(bench.database.url).pathname.slice(1);
  await bench.sql.query(`ALTER DATABASE ${name} SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`);
  if (!isReadOnly) return;
  const { pid } = await eventually(() => bench.activeRelay());
  await bench.sql.query('SELECT pg_terminate_backend($1)', [pid]);
}

describe('outbox relay', () => {
  it('an event is committed -> it reaches its handler, and is marked as published', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    await eventually(() => expect(relay.state()).toBe('ok'));
    const orderId = randomUUID();
    await bench.emit([orderCreatedDraft(orderId, 3)], relay);
    const message = await eventually(async () => {
      const got = await bench.channel.get(bench.queue.name);
      if (got === false) throw new Error('no message yet');
      return got;
    });
    const row = await bench.client.outbox.findFirstOrThrow();
    expect(eventSchemas['order.created'].parse(JSON.parse(message.content.toString()))).toMatchObject({
      specversion: '1.0',
      id: row.id,
      source: '/test-service',
      type: 'order.created',
      subject: orderId,
      sequence: 3,
      time: row.time.toISOString(),
      data: { id: orderId, totalAmount: 19.99 },
    });
    bench.channel.nack(message);
    const received: IncomingEventOf<'order.created'>[] = [];
    bench.startConsumer(connection, { 'order.created': async (event) => void received.push(event) });
    await eventually(() => expect(received).toMatchObject([{ id: row.id, subject: orderId, sequence: 3 }]));
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
  });

  it('it is woken after a commit -> the event is on its way at once, not at the next poll', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    const received: string[] = [];
    bench.startConsumer(connection, { 'order.created': async ({ subject }) => void received.push(subject) });
    const roundTrip = async () => {
      const orderId = randomUUID();
      await bench.emit([orderCreatedDraft(orderId)], relay);
      await eventually(() => expect(received).toContain(orderId));
    };
    await roundTrip();
    const before = Date.now();
    for (let trips = 0; trips < 10; trips++) await roundTrip();
    expect(Date.now() - before).toBeLessThan(timeLimit(9_000)); // polling alone takes 10 s
  });

  it('nobody wakes it, and nobody consumes the event -> it is published by the next poll all the same', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    await bench.emit([orderCreatedDraft()], relay);
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
    const now = new Date().toISOString();
    const id = randomUUID();
    await bench.emit([
      {
        type: 'user.deleted',
        subject: id,
        sequence: 1,
        data: {
          id,
          email: 'a@example.com',
          firstName: 'A',
          lastName: 'B',
          fullName: 'A B',
          role: 'user',
          isActive: true,
          createdAt: now,
          updatedAt: now,
        },
      },
    ]);
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
  });

  it('many events of few aggregates -> each arrives, those of an aggregate in their order', async () => {
    const connection = bench.connect();
    const orders = Array.from({ length: 20 }, (): string => randomUUID());
    const received = new Map<string, number[]>();
    bench.startConsumer(connection, {
      'order.created': async ({ subject, sequence }) =>
        void received.set(subject, [...(received.get(subject) ?? []), sequence]),
    });
    const sequences = Array.from({ length: 30 }, (_, index) => index + 1);
    await bench.emit(sequences.flatMap((sequence) => orders.map((orderId) => orderCreatedDraft(orderId, sequence))));
    bench.startRelay(connection);
    await eventually(() => expect([...received.values()].flat()).toHaveLength(600));
    for (const orderId of orders) expect(received.get(orderId)).toEqual(sequences);
  });

  it('two relays -> one is active, and says so; it stops -> the other is within 5 s', async () => {
    const connection = bench.connect();
    const relays = ['/first', '/second'].map((source) => {
      const metrics = createMetrics({ service: 'test' });
      return { source, metrics, relay: bench.startRelay(connection, { source, metrics }) };
    });
    const active = async () => {
      const values = relays.map(async ({ source, metrics }) => ({
        source,
        value: (await metrics.registry.getSingleMetric('outbox_relay_active')?.get())?.values[0]?.value,
      }));
      return (await Promise.all(values)).filter(({ value }) => value === 1).map(({ source }) => source);
    };
    await eventually(() => expect(relays.map(({ relay }) => relay.state())).toEqual(['ok', 'ok']));
    const { source } = await eventually(() => bench.activeRelay());
    await eventually(async () => expect(await active()).toEqual([source]));

    await relays.find((other) => other.source === source)?.relay.stop();
    await bench.emit([orderCreatedDraft()]);
    await eventually(async () => expect(await bench.unpublished()).toBe(0), { timeout: timeLimit(5_000) });
    const standby = source === '/first' ? '/second' : '/first';
    expect((await bench.activeRelay()).source).toBe(standby);
    expect(await active()).toEqual([standby]);
  });

  it('the session of the active one is ended -> whichever is active then publishes within 5 s', async () => {
    const connection = bench.connect();
    bench.startRelay(connection, { source: '/first' });
    bench.startRelay(connection, { source: '/second' });
    const { pid } = await eventually(() => bench.activeRelay());
    await bench.sql.query('SELECT pg_terminate_backend($1)', [pid]);
    await bench.emit([orderCreatedDraft()]);
    await eventually(async () => expect(await bench.unpublished()).toBe(0), { timeout: timeLimit(5_000) });
    expect((await bench.activeRelay()).pid).not.toBe(pid);
  });

  it('a relay is stopped -> it publishes what is left and hands over', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    await bench.emit([orderCreatedDraft()], relay);
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
    await bench.emit(Array.from({ length: 500 }, () => orderCreatedDraft()));
    await relay.stop();
    expect(await bench.unpublished()).toBe(0);
    expect(await bench.waiting(bench.queue.name)).toBe(501);
    bench.startRelay(connection);
    await bench.emit([orderCreatedDraft()]);
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
  });

  it('the queue of an event is gone -> the event stays in the outbox until the queue is there again', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    await eventually(() => expect(connection.state()).toBe('up'));
    await bench.channel.deleteQueue(bench.queue.name);
    await bench.emit([orderCreatedDraft()], relay);
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
    expect(bench.logger.messages('warn')).toContain('events not published yet');
    expect(await bench.waiting(bench.queue.name)).toBe(1);
  });

  it('a full queue refuses more events than a batch has -> what others wait for is published, and they are once there is room', async () => {
    const connection = bench.connect();
    const full = await bench.channel.assertQueue('', {
      exclusive: true,
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    });
    for (let fillers = 0; fillers < 2; fillers++) bench.channel.sendToQueue(full.queue, Buffer.from('filler'));
    await eventually(async () => expect(await bench.waiting(full.queue)).toBeGreaterThan(0));
    await bench.channel.bindQueue(full.queue, bench.topology.exchange, 'order.created');
    const sequences: number[] = [];
    const orderId = randomUUID();
    bench.startConsumer(connection, {
      'order.created': async ({ subject, sequence }) => {
        if (subject === orderId) sequences.push(sequence);
      },
    });
    try {
      await bench.emit([1, 2].map((sequence) => orderCreatedDraft(orderId, sequence)));
      await bench.emit(Array.from({ length: 448 }, () => orderCreatedDraft()));
      const userId = randomUUID();
      await bench.emit([
        {
          type: 'user.access_revoked',
          subject: userId,
          sequence: 1,
          data: { userId, minimumVersion: 2, reason: 'test' },
        },
      ]);
      bench.startRelay(connection);
      await eventually(async () => expect(await bench.unpublished()).toBe(450));
      await eventually(() => expect(sequences.length).toBeGreaterThan(1));
      expect(new Set(sequences)).toEqual(new Set([1])); // the second waits for the first
    } finally {
      await bench.channel.deleteQueue(full.queue);
    }
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
    await eventually(() => expect(sequences.at(-1)).toBe(2));
  });

  it('a process whose relay stands by commits -> it tells the active relay, which publishes', async () => {
    const connection = bench.connect();
    const relays = ['/first', '/second', '/third', '/fourth'].map((source) => ({
      source,
      relay: bench.startRelay(connection, { source }),
    }));
    await eventually(() => expect(relays.map(({ relay }) => relay.state())).toEqual(['ok', 'ok', 'ok', 'ok']));
    const { source } = await eventually(() => bench.activeRelay());
    const standbys = relays.filter((each) => each.source !== source);
    expect(standbys).toHaveLength(3);
    let reported = 0;
    bench.sql.on('notification', () => {
      reported++;
    });
    await bench.sql.query('LISTEN outbox_written');
    try {
      for (const { relay } of standbys) {
        const reportedBefore = reported;
        await bench.emit([orderCreatedDraft()], relay);
        await eventually(async () => expect(await bench.unpublished()).toBe(0));
        await eventually(() => expect(reported).toBe(reportedBefore + 1));
      }
      const reportedBefore = reported;
      for (let wakes = 0; wakes < 1_000; wakes++) standbys[0]?.relay.wake();
      await eventually(() => expect(reported).toBeGreaterThan(reportedBefore));
      expect(reported).toBeLessThan(reportedBefore + 10);
    } finally {
      await bench.sql.query('UNLISTEN outbox_written');
      bench.sql.removeAllListeners('notification');
    }
  });

  it('a process whose relay stands by commits -> round trips take less time than polls would', async () => {
    const connection = bench.connect();
    const relays = ['/first', '/second'].map((source) => ({ source, relay: bench.startRelay(connection, { source }) }));
    const received: string[] = [];
    bench.startConsumer(connection, { 'order.created': async ({ subject }) => void received.push(subject) });
    const { source } = await eventually(() => bench.activeRelay());
    const standby = relays.find((each) => each.source !== source)?.relay;
    const roundTrip = async () => {
      const orderId = randomUUID();
      await bench.emit([orderCreatedDraft(orderId)], standby);
      await eventually(() => expect(received).toContain(orderId));
    };
    await roundTrip();
    const before = Date.now();
    for (let trips = 0; trips < 10; trips++) await roundTrip();
    expect(Date.now() - before).toBeLessThan(timeLimit(9_000)); // polling alone takes 10 s
  });

  it('the broker is down -> the relay is behind, and nothing is marked as published', async () => {
    const connection = bench.connect('amqp://guest:guest@127.0.0.1:1');
    const relay = bench.startRelay(connection);
    await eventually(() => expect(relay.state()).toBe('ok'));
    await bench.emit([orderCreatedDraft()]);
    await bench.sql.query(`UPDATE outbox SET time = time - interval '11 s'`);
    await eventually(() => expect(relay.state()).toBe('behind'));
    expect(await bench.unpublished()).toBe(1);
    expect(await bench.metrics.registry.getSingleMetricAsString('outbox_unpublished_events')).toMatch(/} 1$/);
  });

  it('the database is down -> the relay is down, and stops at once', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection, { databaseUrl: 'postgresql://postgres@127.0.0.1:1/none' });
    await eventually(() => expect(bench.logger.messages('warn')).toContain('outbox relay lost its database'));
    expect(relay.state()).toBe('down');
    await relay.stop();
  });

  it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['the disk is full', () => failMarks('53100'), () => bench.sql.query('DROP TRIGGER fail ON outbox')],
    ['the database can only be read', () => setReadOnly(true), () => setReadOnly(false)],
  ])(
    '%s -> events that cannot be marked are not published over and over, and each once it is over',
    async (_, begin, end) => {
      const connection = bench.connect();
      const relay = bench.startRelay(connection);
      const deliveries: string[] = [];
      bench.startConsumer(connection, { 'order.created': async ({ id }) => void deliveries.push(id) });
      await eventually(() => expect(relay.state()).toBe('ok'));
      await bench.emit(Array.from({ length: 20 }, () => orderCreatedDraft()));
      await begin();
      const isFailing = () =>
        expect(bench.logger.messages('warn').filter((text) => text === LOST).length).toBeGreaterThan(4);
      await eventually(isFailing);
      expect(deliveries.length).toBeLessThanOrEqual(20);
      await end();
      await eventually(async () => expect(await bench.unpublished()).toBe(0));
      await eventually(() => expect(new Set(deliveries).size).toBe(20));
      expect(deliveries).toHaveLength(20);
    },
  );

  it('an old row of the inbox is locked -> events are published all the same', async () => {
    const eventId = randomUUID();
    const handledAt = new Date(Date.now() - 8 * 86_400_000);
    await bench.client.inbox.create({ data: { eventId, type: 'order.created', handledAt } });
    const relay = bench.startRelay(bench.connect());
    await bench.sql.query('BEGIN');
    try {
      await bench.sql.query('SELECT FROM inbox WHERE event_id = $1 FOR UPDATE', [eventId]);
      await eventually(() => expect(relay.state()).toBe('ok'));
      await bench.emit([orderCreatedDraft()], relay);
      await eventually(async () => expect(await bench.unpublished()).toBe(0), { timeout: timeLimit(5_000) });
    } finally {
      await bench.sql.query('ROLLBACK');
    }
  });
});

describe('revocation stream', () => {
  const startReader = (connection: BrokerConnection) => {
    const revocations = new RevocationList({ lifetime: 3_600_000 });
    return { revocations, stream: bench.startReader(connection, revocations) };
  };
  const revoke = (userId: string): EventDraft => ({
    type: 'user.access_revoked',
    subject: userId,
    sequence: 1,
    data: { userId, minimumVersion: 2, reason: 'test' },
  });
  const isRevoked = (revocations: RevocationList, userId: string) =>
    revocations.isRevoked({ userId, version: 1, sid: randomUUID() });

  it('another reader was ready earlier -> a new one is ready only after what was revoked since', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    const earlier = startReader(connection);
    await eventually(() => expect(earlier.stream.isReady).toBe(true));
    const userId = randomUUID();
    await bench.emit([revoke(userId)], relay);
    await eventually(() => expect(isRevoked(earlier.revocations, userId)).toBe(true));

    const wasReadyAt: boolean[] = [];
    const { revocations, stream } = startReader(connection);
    const add = revocations.add.bind(revocations);
    revocations.add = (revocation) => {
      if (revocation.userId === userId) wasReadyAt.push(stream.isReady);
      add(revocation);
    };
    await eventually(() => expect(stream.isReady).toBe(true));
    expect(wasReadyAt).toEqual([false]);
  });

  it('a process starts late -> it is ready once it knows the earlier revocations, and consumes the later ones, whatever happens', async () => {
    const connection = bench.connect();
    const relay = bench.startRelay(connection);
    const [early, later, afterwards] = [randomUUID(), randomUUID(), randomUUID()];
    bench.channel.sendToQueue(bench.topology.revocations.name, Buffer.from('malformed'));
    await bench.emit([revoke(early)], relay);
    await eventually(async () => expect(await bench.unpublished()).toBe(0));

    const { revocations, stream } = startReader(connection);
    expect(stream.isReady).toBe(false);
    await eventually(() => expect(stream.isReady).toBe(true));
    expect(isRevoked(revocations, early)).toBe(true);
    expect(isRevoked(revocations, later)).toBe(false);
    await bench.emit([revoke(later)], relay);
    await eventually(() => expect(isRevoked(revocations, later)).toBe(true));

    await bench.channel.deleteQueue(bench.topology.revocations.name);
    await eventually(() => expect(stream.state()).toBe('down'));
    await eventually(() => expect(stream.state()).toBe('up'));
    await bench.emit([revoke(afterwards)], relay);
    await eventually(() => expect(isRevoked(revocations, afterwards)).toBe(true));
  });

  it('the broker is down -> the reader waits, not ready, its process for 2 s at most; and it stops at once', async () => {
    const connection = bench.connect('amqp://guest:guest@127.0.0.1:1');
    const { stream } = startReader(connection);
    await eventually(() => expect(bench.logger.messages('warn')).toContain('broker connection failed'));
    expect(stream.state()).toBe('down');
    const before = Date.now();
    await stream.untilReady();
    expect(Date.now() - before).toBeLessThan(timeLimit(4_000));
    expect(bench.logger.messages('warn')).toContain('earlier revocations are not known yet');
    await stream.stop();
    expect(stream.isReady).toBe(false);
  });
});
