import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import { orderCreatedDraft } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import { runRepublishCommand } from './republish-command.js';
import { republishEvents } from './republish.js';

let bench: MessagingBench;

beforeAll(async () => {
  bench = await MessagingBench.open();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

async function run(...args: string[]) {
  const lines: string[] = [];
  const complaints: string[] = [];
  const code = await runRepublishCommand(args, {
    databaseUrl: () => bench.database.url,
    stdout: (line) => lines.push(line),
    stderr: (line) => complaints.push(line),
    stallTimeout: 200,
  });
  return { code, lines, complaints };
}

const times = (count: number) => Array.from({ length: count }, () => randomUUID());
const anHourAgo = () => new Date(Date.now() - 3_600_000);

/** Commits an event of each order, and waits until the relay has published them. */
async function publishEventsOf(orderIds: readonly string[], sequence = 1): Promise<void> {
  await bench.emit(orderIds.map((id) => orderCreatedDraft(id, sequence)));
  await eventually(async () => expect(await bench.unpublished()).toBe(0));
}

/** Starts a consumer whose effect of an event is a row, in the event's own transaction. */
function startConsumer(): void {
  bench.startConsumer(bench.connect(), {
    'order.created': async ({ subject, sequence }, cause) => {
      await bench.store().save(
        async (tx) => {
          await tx.post.create({ data: { id: randomUUID(), title: `${subject} ${sequence}` } });
          return { value: undefined, events: [] };
        },
        { cause },
      );
    },
  });
}

const effects = async () => (await bench.client.post.findMany()).map(({ title }) => title).toSorted();
const effectsOf = (orderIds: readonly string[], sequence = 1) => orderIds.map((id) => `${id} ${sequence}`);

describe('the broker has lost its queues', () => {
  it('republish -> every event has its effect, once, also where it had it before', async () => {
    bench.startRelay(bench.connect());
    const handled = times(20);
    startConsumer();
    await publishEventsOf(handled);
    await eventually(async () => expect(await effects()).toHaveLength(20));
    await bench.stopConsumers();
    const lost = times(30);
    await publishEventsOf(lost);
    await publishEventsOf(handled, 2);
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(50));
    await bench.channel.purgeQueue(bench.queue.name);
    startConsumer();

    const { code, lines } = await run(anHourAgo().toISOString(), 'test-service');

    expect([code, lines.at(-1)]).toEqual([0, 'test-service: 70 events published again']);
    const all = [...effectsOf(handled), ...effectsOf(lost), ...effectsOf(handled, 2)].toSorted();
    await eventually(async () => expect(await effects()).toEqual(all));
    // Behind this event all others were handled.
    const last = randomUUID();
    await publishEventsOf([last]);
    await eventually(async () => expect(await effects()).toContain(`${last} 1`));
    expect(await effects()).toHaveLength(all.length + 1);
  });
});

describe('republishing', () => {
  it('many -> in batches, oldest first, each once; what happens meanwhile is published, too', async () => {
    bench.startRelay(bench.connect());
    const orderIds = times(95);
    await publishEventsOf(orderIds);
    await bench.channel.purgeQueue(bench.queue.name);
    const recent = randomUUID();
    const seen: number[] = [];
    const count = await republishEvents(bench.sql, {
      since: anHourAgo(),
      batch: 10,
      onProgress: ({ putBack, total }) => {
        expect(total).toBe(95);
        if (putBack === 50) void bench.emit([orderCreatedDraft(recent, 1)]);
        seen.push(putBack);
      },
    });
    expect(count).toBe(95);
    expect(seen).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95]);
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBe(96));
    const subjects: string[] = [];
    for (let message = await take(); message !== undefined; message = await take()) subjects.push(message);
    expect(subjects.filter((subject) => subject !== recent)).toEqual(orderIds);
  });

  const take = async (): Promise<string | undefined> => {
    const message = await bench.channel.get(bench.queue.name, { noAck: true });
    return message === false ? undefined : (JSON.parse(message.content.toString()) as { subject: string }).subject;
  };

  it('only what was published since then -> the rest stays as it is', async () => {
    bench.startRelay(bench.connect());
    const [before, after] = [times(3), times(2)];
    await publishEventsOf(before);
    await bench.sql.query(`UPDATE outbox SET published_at = now() - interval '2 hours'`);
    await publishEventsOf(after);
    expect((await run(anHourAgo().toISOString(), 'test-service')).lines).toEqual([
      'test-service: 2 events published again',
    ]);
    expect((await run(new Date().toISOString(), 'test-service')).lines).toEqual([
      'test-service: 0 events published again',
    ]);
    const { rows } = await bench.sql.query(`SELECT FROM outbox WHERE published_at < now() - interval '1 hour'`);
    expect(rows).toHaveLength(3);
  });

  it('nobody publishes -> says so, ends with 1, and what was put back is published later', async () => {
    const relay = bench.startRelay(bench.connect());
    await publishEventsOf(times(2));
    await relay.stop();
    const { code, complaints } = await run(anHourAgo().toISOString(), 'test-service');
    expect(code).toBe(1);
    expect(complaints[0]).toBe('test-service: 2 events wait, and none was published for 0.2 s');
    expect(complaints[1]).toContain('Do test-service and the broker run?');
    bench.startRelay(bench.connect());
    await eventually(async () => expect(await bench.unpublished()).toBe(0));
  });
});

describe('the command', () => {
  it.each([
    [[], 'not a time: (nothing)'],
    [['yesterday', 'test-service'], 'not a time: yesterday'],
    [['2026-02-30', 'test-service'], 'not a time: 2026-02-30'],
    [['2026-01-31 12:00', 'test-service'], 'not a time: 2026-01-31 12:00'],
    [['2026-01-31T12:00:00', 'test-service'], 'not a time: 2026-01-31T12:00:00'],
    [['9999-01-31', 'test-service'], '9999-01-31 is in the future'],
    [['2026-01-31'], 'no service is named'],
  ])('%j -> refused: %s', async (args, complaint) => {
    const { code, complaints } = await run(...args);
    expect(code).toBe(2);
    expect(complaints.join()).toContain(complaint);
  });

  it('a time before what is kept -> says that the rest is gone', async () => {
    const { code, lines } = await run('2026-01-31', 'test-service');
    expect([code, lines]).toEqual([
      0,
      [
        "published events are kept for 7 days: what is older can't be published again",
        'test-service: 0 events published again',
      ],
    ]);
  });

  it('one database is away -> says so without its password, and the others have their turn', async () => {
    const [lines, complaints]: [string[], string[]] = [[], []];
    const code = await runRepublishCommand(['2026-01-31T12:00:00+01:00', 'order-service', 'test-service'], {
      databaseUrl: (service) =>
        service === 'test-service' ? bench.database.url : 'postgresql://postgres:secret@127.0.0.1:1/orders',
      stdout: (line) => lines.push(line),
      stderr: (line) => complaints.push(line),
    });
    expect(code).toBe(1);
    expect(complaints).toEqual([expect.stringMatching(/^order-service: .*ECONNREFUSED/)]);
    expect(complaints.join()).not.toContain('secret');
    expect(lines.at(-1)).toBe('test-service: 0 events published again');
  });
});
