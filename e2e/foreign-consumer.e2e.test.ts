import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import amqp from 'amqplib';
import { debianPython, ensureInstalled } from '../stack/packages.ts';
import { repository } from '../stack/paths.ts';
import { eventually, placeOrder, register, rest, settings } from './support/system.js';

const queues = ['warehouse.v1', 'warehouse.v1.dead'] as const;
const program = /```python\n(.*?)```/s.exec(readFileSync(path.join(repository, 'docs/events.md'), 'utf8'))?.[1] ?? '';
const scratch = mkdtempSync(path.join(tmpdir(), 'shop-consumer-'));
const url = settings.RABBITMQ_URL ?? '';

let connection: amqp.ChannelModel;
let channel: amqp.Channel;
beforeAll(async () => {
  await ensureInstalled(['pika'], path.join(repository, '.native'));
  connection = await amqp.connect(url);
  channel = await connection.createChannel();
});
afterAll(async () => {
  for (const queue of queues) await channel.deleteQueue(queue);
  await connection.close();
  rmSync(scratch, { recursive: true });
});

let running: ChildProcess | undefined;
afterEach(() => {
  running?.kill('SIGKILL');
});

/** Starts the program of docs/events.md; what it prints. */
function start(): string[] {
  const file = path.join(scratch, 'consumer.py');
  writeFileSync(file, program);
  const printed: string[] = [];
  const environment = { PATH: process.env.PATH, RABBITMQ_URL: url, DATABASE: path.join(scratch, 'warehouse.db') };
  const child = spawn(debianPython, ['-W', 'error', file], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk: Buffer) => printed.push(...chunk.toString().trimEnd().split('\n')));
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  running = child;
  return printed;
}

/** What it prints of one order; other tests place theirs. */
const linesOf = (printed: string[], order: string) => printed.filter((line) => line.startsWith(order));

const untilPrinted = (printed: string[], order: string, status: string) =>
  eventually(() => Promise.resolve().then(() => expect(linesOf(printed, order)).toEqual([`${order} ${status}`])));

const isReady = () =>
  eventually(async () => {
    const probe = await connection.createChannel();
    probe.on('error', () => undefined); // no such queue yet: it closes the channel
    expect((await probe.checkQueue('warehouse.v1')).consumerCount).toBe(1);
    await probe.close();
  });

async function pay(token: string, paymentId: string): Promise<void> {
  const { status } = await rest('POST', `/payments/${paymentId}/process`, { token, body: {} });
  expect(status).toBe(200);
}

describe('the consumer in Python of docs/events.md', () => {
  it('an order is placed and paid -> it has both, also what came while it was away; each once', async () => {
    const { token } = await register();
    let printed = start();
    await isReady();
    const { orderId, paymentId } = await placeOrder(token);
    await untilPrinted(printed, orderId, 'pending');

    running?.kill('SIGKILL');
    await pay(token, paymentId);
    printed = start();
    await untilPrinted(printed, orderId, 'confirmed');
  });

  it('an event that comes twice, a late one, and what is none -> one effect, none, and a dead letter', async () => {
    const printed = start();
    await isReady();
    const subject = randomUUID();
    const event = { id: randomUUID(), subject, sequence: 3, data: { status: 'shipped' } };
    for (const one of [event, event, { ...event, id: randomUUID(), sequence: 2, data: { status: 'confirmed' } }]) {
      channel.sendToQueue('warehouse.v1', Buffer.from(JSON.stringify(one)));
    }
    channel.sendToQueue('warehouse.v1', Buffer.from('not JSON'));
    await eventually(async () => expect((await channel.checkQueue('warehouse.v1.dead')).messageCount).toBe(1));

    expect(linesOf(printed, subject)).toEqual([`${subject} shipped`]);
  });
});
