import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { orderCreated } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import pg from 'pg';
import { eventually } from '@shop/testing';
import { writeAuditEntries } from '../database/index.js';
import { deadLetterHeaders } from './dead-letter-headers.js';
import { runDeadLettersCommand } from './dead-letters-command.js';

const CLI = path.join(import.meta.dirname, 'dead-letters-cli.ts');
const failed = {
  [deadLetterHeaders.attempts]: 5,
  [deadLetterHeaders.reason]: 'failed',
  [deadLetterHeaders.error]: 'no luck\n\u001b[31mtwice',
  [deadLetterHeaders.stack]: 'Error: no luck',
  [deadLetterHeaders.time]: '2026-01-31T12:00:00.123Z',
};

let bench: MessagingBench;

beforeAll(async () => {
  bench = await MessagingBench.open();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

/** Puts an event where its consumer would have put it in the end. */
function giveUp(event = orderCreated(), headers: Record<string, unknown> = {}): { id: string; orderId: string } {
  bench.channel.sendToQueue(bench.deadLetterQueue, Buffer.from(JSON.stringify(event)), {
    persistent: true,
    messageId: event.id,
    type: event.type,
    contentType: 'application/cloudevents+json',
    headers: { ...failed, ...headers },
  });
  return { id: event.id, orderId: event.subject };
}

let isAuditDown = false;

async function run(...args: string[]) {
  const lines: string[] = [];
  const complaints: string[] = [];
  const { url } = bench.database;
  const code = await runDeadLettersCommand(args, {
    brokerUrl: () => bench.broker.url,
    queues: bench.topology.workQueues,
    writeAudit: (_queue, entry) =>
      isAuditDown ? Promise.reject(new Error('no database')) : writeAuditEntries(url, [entry]),
    stdout: (line) => lines.push(line),
    stderr: (line) => complaints.push(line),
  });
  return { code, lines, complaints };
}

const depths = async () => ({
  work: await bench.waiting(bench.queue.name),
  dead: await bench.waiting(bench.deadLetterQueue),
});
const untilDepths = (expected: { work: number; dead: number }) =>
  eventually(async () => expect(await depths()).toEqual(expected));

describe('list of dead letters', () => {
  it('there are none -> says so', async () => {
    expect(await run('list')).toEqual({ code: 0, lines: ['0 dead letters'], complaints: [] });
  });

  it('an event was given up -> one line with all that is known, harmless to a terminal, and it stays where it is', async () => {
    const { id, orderId } = giveUp();
    await untilDepths({ work: 0, dead: 1 });
    const { code, lines } = await run('list');
    expect(code).toBe(0);
    expect(lines).toHaveLength(3);
    expect(lines[0]?.split(/ {2,}/)).toEqual([
      'QUEUE',
      'MESSAGE ID',
      'TYPE',
      'SUBJECT',
      'REASON',
      'TRIES',
      'TIME',
      'ERROR',
    ]);
    expect(lines[1]?.split(/ {2,}/)).toEqual([
      'payment-service.v2',
      id,
      'order.created',
      orderId,
      'failed',
      '5',
      '2026-01-31T12:00:00Z',
      'no luck [31mtwice',
    ]);
    expect(lines[2]).toBe('1 dead letter');
    await untilDepths({ work: 0, dead: 1 });
  });

  it('the broker gave it up -> its reason', async () => {
    const event = orderCreated();
    bench.send(event);
    for (let deliveries = 0; deliveries <= 20; deliveries++) {
      const message = await eventually(async () => {
        const found = await bench.channel.get(bench.queue.name);
        if (!found) throw new Error('not there yet');
        return found;
      });
      bench.channel.reject(message, true); // counts like a lost consumer, in every version
    }
    await untilDepths({ work: 0, dead: 1 });
    const [, line] = (await run('list')).lines;
    expect(line).toContain('delivery_limit');
    expect(line).toMatch(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/);
  });

  it('it is no event at all -> is listed all the same', async () => {
    bench.channel.sendToQueue(bench.deadLetterQueue, Buffer.from('{'));
    await untilDepths({ work: 0, dead: 1 });
    const { lines } = await run('list');
    expect(lines[1]?.split(/ {2,}/)).toEqual(['payment-service.v2', '-', '-', '-', '-', '-', '-', '-']);
  });
});

describe('a dead letter that can never succeed', () => {
  const audited = async (id: string) => {
    const client = new pg.Client({ connectionString: bench.database.url });
    await client.connect();
    try {
      const query = "SELECT details FROM audit_trail WHERE action = 'dead_letter.dropped' AND details->>'eventId' = $1";
      return (await client.query<{ details: object }>(query, [id])).rows.map(({ details }) => details);
    } finally {
      await client.end();
    }
  };
  afterEach(() => {
    isAuditDown = false;
  });

  it('dropped by its id -> gone for good, noted in the audit trail, and the others stay', async () => {
    const { id, orderId } = giveUp();
    giveUp();
    await untilDepths({ work: 0, dead: 2 });

    const { code, lines } = await run('drop', '--id', id, '--reason', 'the order was made by hand');

    expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: '1 dead letter dropped' });
    await untilDepths({ work: 0, dead: 1 });
    expect(await audited(id)).toEqual([
      {
        queue: 'payment-service.v2',
        eventId: id,
        type: 'order.created',
        subject: orderId,
        deadLetteredAt: '2026-01-31T12:00:00.123Z',
        reason: 'the order was made by hand',
      },
    ]);
    expect(await run('drop', '--id', id)).toMatchObject({ code: 1, complaints: ['no dead letter fits'] });
    expect((await run('replay')).lines.at(-1)).toBe('1 dead letter put back');
  });

  it('the audit trail can not be written -> it stays where it is, and the exit code is 1', async () => {
    const { id } = giveUp();
    await untilDepths({ work: 0, dead: 1 });
    isAuditDown = true;

    expect(await run('drop', '--id', id)).toMatchObject({ code: 1, complaints: ['no database'] });

    await untilDepths({ work: 0, dead: 1 });
  });

  it('of another service -> stays where it is', async () => {
    const { id } = giveUp();
    await untilDepths({ work: 0, dead: 1 });

    const { code, complaints } = await run('drop', '--id', id, '--service', 'order-service');

    expect({ code, complaints }).toEqual({ code: 1, complaints: ['no dead letter of order-service fits'] });
    await untilDepths({ work: 0, dead: 1 });
  });

  it.each([
    [['drop']],
    [['drop', '--type', 'order.created']],
    [['drop', '--id', '']],
    [['drop', '--id', 'a', '--dry-run']],
  ])('%j -> refused, and nothing is dropped', async (args) => {
    giveUp();
    await untilDepths({ work: 0, dead: 1 });
    expect((await run(...args)).code).toBe(2);
    await untilDepths({ work: 0, dead: 1 });
  });
});

describe('replay of dead letters', () => {
  it('all -> each is handled, with its own headers and five new tries', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const event = { ...orderCreated(), traceparent };
    giveUp(event, { 'x-tenant': 'blue', traceparent });
    giveUp();
    await untilDepths({ work: 0, dead: 2 });
    const { code, lines } = await run('replay');
    expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: '2 dead letters put back' });
    await untilDepths({ work: 2, dead: 0 });

    const message = await bench.channel.get(bench.queue.name);
    if (!message) throw new Error('not in its queue');
    expect(JSON.parse(message.content.toString())).toEqual(event);
    expect(message.properties).toMatchObject({
      messageId: event.id,
      type: 'order.created',
      contentType: 'application/cloudevents+json',
      deliveryMode: 2,
    });
    const { 'x-delivery-count': _, ...headers } = message.properties.headers ?? {};
    expect(headers).toEqual({ 'x-tenant': 'blue', traceparent });
    bench.channel.nack(message);

    let tries = 0;
    bench.startConsumer(bench.connect(), {
      'order.created': async ({ id }) => {
        if (id === event.id && ++tries < 5) throw new Error('not yet');
      },
    });
    await eventually(() => expect(tries).toBe(5));
    await untilDepths({ work: 0, dead: 0 });
  });

  it('one by its id, those of a type -> the others stay', async () => {
    const one = giveUp();
    giveUp();
    giveUp({ ...orderCreated(), type: 'order.status_changed' } as unknown as ReturnType<typeof orderCreated>);
    await untilDepths({ work: 0, dead: 3 });
    expect(await run('replay', '--id', one.id)).toMatchObject({ code: 0 });
    await untilDepths({ work: 1, dead: 2 });
    expect((await run('replay', '--type', 'order.status_changed')).lines.at(-1)).toBe('1 dead letter put back');
    await untilDepths({ work: 2, dead: 1 });
  });

  it('the same one again, or one that never was -> nothing happens, and the exit code is 1', async () => {
    const { id } = giveUp();
    await untilDepths({ work: 0, dead: 1 });
    await run('replay', '--id', id);
    expect(await run('replay', '--id', id)).toMatchObject({ code: 1, complaints: ['no dead letter fits'] });
    expect((await run('replay', '--id', randomUUID())).code).toBe(1);
    await untilDepths({ work: 1, dead: 0 });
  });

  it('a dry run -> shows what fits and moves nothing', async () => {
    const { id } = giveUp();
    await untilDepths({ work: 0, dead: 1 });
    const { code, lines } = await run('replay', '--dry-run');
    expect(code).toBe(0);
    expect(lines[1]).toContain(id);
    expect(lines.at(-1)).toBe('1 dead letter would be put back');
    await untilDepths({ work: 0, dead: 1 });
  });

  it('its work queue is gone -> nothing is lost, and the exit code is 1', async () => {
    giveUp();
    await untilDepths({ work: 0, dead: 1 });
    await bench.broker.request('DELETE', `/queues/{vhost}/${bench.queue.name}`);
    expect(await run('replay')).toMatchObject({ code: 1, complaints: ['message not confirmed: returned'] });
    expect((await run('list')).lines.at(-1)).toBe('1 dead letter');
    const declaring = bench.connect().createPublisher('declares the queues');
    await eventually(() => expect(declaring.isUp).toBe(true));
  });

  it('it is killed in the middle, and run again -> every event has its effect, and has it once', async () => {
    const ids = Array.from({ length: 600 }, () => giveUp().id);
    await untilDepths({ work: 0, dead: ids.length });
    const killed = replayInProcess();
    await eventually(async () => expect(await bench.waiting(bench.queue.name)).toBeGreaterThan(100));
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const left = await eventually(async () => {
      const { work, dead } = await depths();
      expect(work + dead).toBeGreaterThanOrEqual(ids.length); // those that it had in hand are back
      return dead;
    });
    expect(left).toBeGreaterThan(0);

    expect(await once(replayInProcess(), 'exit')).toEqual([0, null]);
    expect((await depths()).dead).toBe(0);
    bench.startConsumer(bench.connect(), {
      'order.created': async ({ id }, cause) => {
        await bench.store().save(
          async (tx) => {
            await tx.post.create({ data: { id: randomUUID(), title: id } });
            return { value: undefined, events: [] };
          },
          { cause },
        );
      },
    });
    await eventually(async () => expect(await bench.client.post.count()).toBe(ids.length));
    await untilDepths({ work: 0, dead: 0 });
    const titles = (await bench.client.post.findMany()).map(({ title }) => title);
    expect(titles.toSorted()).toEqual(ids.toSorted());
  });
});

describe('the command', () => {
  it.each([[[]], [['repair']], [['list', '--id', '7']], [['replay', '--everything']], [['replay', 'all']]])(
    '%j -> refused with its usage',
    async (args) => {
      const { code, complaints } = await run(...args);
      expect(code).toBe(2);
      expect(complaints.join()).toContain('Usage: dead-letters list');
    },
  );

  it('there is no broker -> says so, without its password', async () => {
    const complaints: string[] = [];
    const code = await runDeadLettersCommand(['list'], {
      writeAudit: () => Promise.reject(new Error('nothing is to be dropped')),
      brokerUrl: () => 'amqp://guest:secret@127.0.0.1:1',
      queues: bench.topology.workQueues,
      stdout: () => undefined,
      stderr: (line) => complaints.push(line),
    });
    expect(code).toBe(1);
    expect(complaints.join()).toContain('no connection to the broker at 127.0.0.1:1: ECONNREFUSED');
    expect(complaints.join()).not.toContain('secret');
  });
});

function replayInProcess(): ChildProcess {
  return spawn(process.execPath, ['--conditions=source', '--import', 'tsx', CLI, 'replay'], {
    env: { PATH: process.env.PATH, RABBITMQ_URL: bench.broker.url },
    stdio: 'ignore',
  });
}
