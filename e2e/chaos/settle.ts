// Waiting until nothing can change any more by itself.
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'amqplib';
import { receivedEvents } from './received-events.ts';
import { databases } from './plan.ts';
import type { ChaosSystem } from './system.ts';

const lookPause = 500;

/** What has no business in the queues of a system at rest. */
export interface QueueDepths {
  /** In work and retry queues. */
  waiting: number;
  deadLetters: number;
}

/**
 * Resolves once the system is at rest, to undefined; or, when it does not come to rest in time, to what is still going
 * on. Dead letters don't hold it up: they stay.
 */
export async function settle(
  system: ChaosSystem,
  { since, timeout, progress }: { since: Date; timeout: number; progress: (line: string) => void },
): Promise<string | undefined> {
  await system.up();
  const deadline = Date.now() + timeout;
  for (;;) {
    const open = await whatIsOpen(system, since);
    if (open.length === 0) return undefined;
    if (Date.now() > deadline) return open.join(', ');
    progress(`settling: ${open.join(', ')}`);
    await delay(lookPause);
  }
}

async function whatIsOpen(system: ChaosSystem, since: Date): Promise<string[]> {
  const count = async (database: (typeof databases)[number], what: string, from: string): Promise<string[]> => {
    const [row] = await system.query<{ count: number }>(database, `SELECT count(*)::integer AS count FROM ${from}`);
    return row?.count ? [`${row.count} ${what}`] : [];
  };
  const open = await Promise.all([
    system.notReady().then((names) => names.map((name) => `${name} not ready`)),
    ...databases.map((name) => count(name, `event(s) in the outbox of ${name}`, 'outbox WHERE published_at IS NULL')),
    count('order', 'order(s) pending', `orders WHERE status = 'pending'`),
    count('payment', 'payment(s) processing', `payments WHERE status = 'processing'`),
    count('payment', 'refund(s) pending', `refunds WHERE status = 'pending'`),
    unhandled(system, 'order', since),
    unhandled(system, 'payment', since),
    queueDepths(system).then(({ waiting }) => (waiting > 0 ? [`${waiting} message(s) in queues`] : [])),
  ]);
  return open.flat();
}

/** Published events that have not had their effect in the other service yet. */
async function unhandled(system: ChaosSystem, database: 'order' | 'payment', since: Date): Promise<string[]> {
  const { by, condition } = receivedEvents[database];
  const [reported, handled] = await Promise.all([
    system.query<{ id: string }>(database, `SELECT id FROM outbox WHERE time >= $1 AND ${condition}`, [since]),
    system.query<{ event_id: string }>(by, 'SELECT event_id FROM inbox WHERE handled_at >= $1', [since]),
  ]);
  const known = new Set(handled.map(({ event_id: id }) => id));
  const missing = reported.filter(({ id }) => !known.has(id)).length;
  return missing > 0 ? [`${missing} event(s) of ${database} not handled`] : [];
}

/** Asked of the broker itself: its management shows metrics that are seconds old. */
export async function queueDepths(system: ChaosSystem): Promise<QueueDepths> {
  const connection = await connect(system.environment.RABBITMQ_URL ?? '');
  try {
    const channel = await connection.createChannel();
    const depths: QueueDepths = { waiting: 0, deadLetters: 0 };
    for (const queue of await queueNames(system)) {
      const { messageCount } = await channel.checkQueue(queue);
      depths[queue.endsWith('.dead-letter') ? 'deadLetters' : 'waiting'] += messageCount;
    }
    return depths;
  } finally {
    await connection.close();
  }
}

async function queueNames({ urls, environment }: ChaosSystem): Promise<string[]> {
  const credentials = `${environment.RABBITMQ_USER}:${environment.RABBITMQ_PASSWORD}`;
  const response = await fetch(`${urls.rabbitmqManagement}/api/queues?columns=name,type,exclusive`, {
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    signal: AbortSignal.timeout(10_000),
  });
  const queues = (await response.json()) as { name: string; type: string; exclusive: boolean }[]; // RabbitMQ's own API
  // Streams keep what they have, and a broadcast's queue is its process's alone to look at.
  return queues.filter(({ type, exclusive }) => type !== 'stream' && !exclusive).map(({ name }) => name);
}
