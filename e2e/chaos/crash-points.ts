// Kills at named points: the process is brought to exactly that point from outside, and killed there.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../stack/errors.ts';
import { Gate, type GateName, type Waiter } from './gate.ts';
import { receivedEvents } from './received-events.ts';
import type { CrashPoint, DatabaseName, Kill, Victim } from './plan.ts';
import type { ChaosSystem } from './system.ts';

/** The point was not reached: nobody came by in time, or another kill came between. */
export class PointMissed extends Error {
  override name = 'PointMissed';
}

/** Brings the victim to its point and kills it there. Answers what proves that it was there; throws PointMissed. */
type KillAtPoint = (system: ChaosSystem, kill: Kill) => Promise<string>;

const TIMEOUT = 8_000;
/** Less than the relay waits for its database. */
const gatheringTime = 4_000;
const sendingTime = 300;
const lookPause = 5;

const databaseOf = (victim: Victim): DatabaseName => {
  const name = /user|order|payment/.exec(victim)?.[0];
  if (name === undefined) throw new Error(`${victim} has no database`);
  return name as DatabaseName; // one of the three, by the expression
};

/** Lets work come to a gate, and opens it whatever happens then. */
async function atGate<T>(
  system: ChaosSystem,
  database: DatabaseName,
  name: GateName,
  work: (gate: Gate, waiters: Waiter[]) => Promise<T>,
): Promise<T> {
  const gate = await Gate.close(system.databaseUrl(database), name);
  try {
    const waiters = await gate.waiters({ timeout: TIMEOUT });
    if (waiters.length === 0) throw new PointMissed('nobody came to the gate in time');
    return await work(gate, waiters);
  } finally {
    await gate.open();
  }
}

/** Killed while transactions stand before their commit, which the server then undoes. */
const undoneAt =
  (name: GateName): KillAtPoint =>
  (system, { victim, downtime }) =>
    atGate(system, databaseOf(victim), name, async (gate, waiters) => {
      await system.kill(victim, { downtime });
      await gate.undo(waiters);
      return `${waiters.length} transaction(s) undone`;
    });

/** Frozen while its transactions stand before their commit, they commit, it is killed: it never learns of it. */
const committedAt =
  (name: GateName): KillAtPoint =>
  (system, { victim, downtime }) =>
    atGate(system, databaseOf(victim), name, async (gate, waiters) => {
      system.freeze(victim);
      try {
        await gate.letCommit(waiters);
      } finally {
        await system.kill(victim, { downtime });
      }
      return `${waiters.length} transaction(s) committed unreceived`;
    });

/** The events that wait in the outbox of a service. */
async function waitingEvents(system: ChaosSystem, database: 'order' | 'payment'): Promise<string[]> {
  const rows = await system.query<{ id: string }>(database, 'SELECT id FROM outbox WHERE published_at IS NULL');
  return rows.map(({ id }) => id);
}

/** Those besides `earlier` that another service is to learn of, and that no other event of their subject is sent before. */
async function nextReceivedEvents(
  system: ChaosSystem,
  database: 'order' | 'payment',
  earlier: readonly string[],
): Promise<string[]> {
  const rows = await system.query<{ id: string }>(
    database,
    `WITH waiting AS (SELECT * FROM outbox WHERE published_at IS NULL AND id <> ALL ($1::uuid[]))
     SELECT id FROM waiting WHERE ${receivedEvents[database].condition} AND NOT EXISTS (
       SELECT FROM waiting AS other WHERE other.subject = waiting.subject AND other.position < waiting.position
     )`,
    [earlier],
  );
  return rows.map(({ id }) => id);
}

async function until<T>(
  look: () => Promise<T | undefined>,
  { pause, timeout = TIMEOUT, what }: { pause: number; timeout?: number; what: string },
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new PointMissed(`no ${what} in time`);
    await delay(pause);
  }
}

const some = <T>(found: T[]): T[] | undefined => (found.length > 0 ? found : undefined);

/**
 * While the relay is held up before a mark, further events gather behind it. Then the broker is frozen, and the relay
 * sends them all; the service is frozen too, and the broker goes on and delivers them.
 */
const afterPublish: KillAtPoint = async (system, { victim, downtime }) => {
  const own = databaseOf(victim) === 'order' ? 'order' : 'payment';
  const other = own === 'order' ? 'payment' : 'order';
  let isFrozen = false;
  try {
    const sent = await atGate(system, own, 'mark', async () => {
      const earlier = await waitingEvents(system, own);
      const gathered = async () => some(await nextReceivedEvents(system, own, earlier));
      const found = await until(gathered, { pause: 20, timeout: gatheringTime, what: 'event gathered' });
      system.freeze('rabbitmq');
      return found;
    });
    await delay(sendingTime);
    system.freeze(victim);
    isFrozen = true;
    system.resume('rabbitmq');
    const handled = () =>
      system.query<{ event_id: string }>(other, 'SELECT event_id FROM inbox WHERE event_id = ANY($1::uuid[])', [sent]);
    const received = await until(async () => some(await handled()), { pause: 20, what: 'event was handled elsewhere' });
    await system.kill(victim, { downtime });
    return `${received.length} event(s) handled elsewhere, unconfirmed here`;
  } finally {
    system.resume('rabbitmq');
    if (isFrozen) system.resume(victim);
  }
};

/** Money has moved at the provider, and no outcome is written: seen from outside, checked after the kill. */
const afterCharge: KillAtPoint = async (system, { victim, downtime }) => {
  const charged = async () => {
    const rows = await system.query<{ id: string; is_charged: boolean }>(
      'payment',
      `SELECT payments.id, key IS NOT NULL AS is_charged
       FROM payments LEFT JOIN simulated_provider.charges ON key = payments.id::text AND decline_reason IS NULL
       WHERE status = 'processing' AND updated_at > now() - interval '500 ms'`,
    );
    return some(rows.filter(({ id, is_charged: isCharged }) => isCharged || system.providers.hasCharged(id)));
  };
  const seen = await until(charged, { pause: lookPause, what: 'charge without an outcome' });
  await system.kill(victim, { downtime });
  const left = await system.query<{ id: string }>(
    'payment',
    `SELECT id FROM payments WHERE status = 'processing' AND id = ANY($1::uuid[])`,
    [seen.map(({ id }) => id)],
  );
  if (left.length === 0) throw new PointMissed('the outcome was written before the kill');
  return `${left.length} charge(s) without an outcome`;
};

const duringShutdown: KillAtPoint = async (system, { victim, grace, downtime }) => {
  const wasThere = await system.shutDownAndKill(victim, { grace, downtime });
  if (!wasThere) throw new PointMissed(`it ended by itself within ${grace} ms`);
  return `killed ${grace} ms after SIGTERM`;
};

const databaseBeforeCommit: KillAtPoint = (system, { victim, downtime }) =>
  atGate(system, databaseOf(victim), 'commit', async (_gate, waiters) => {
    await system.kill(victim, { downtime });
    return `${waiters.length} transaction(s) lost`;
  });

/** Events are sent to the frozen broker: read by nobody, they go down with it. */
const brokerBeforeConfirm: KillAtPoint = async (system, { victim, downtime }) => {
  system.freeze(victim);
  try {
    const look = async () =>
      some([...(await waitingEvents(system, 'order')), ...(await waitingEvents(system, 'payment'))]);
    await until(look, { pause: 20, what: 'event waited' });
    await delay(sendingTime);
    const waiting = await look();
    await system.kill(victim, { downtime });
    return `${waiting?.length ?? 0} event(s) on their way`;
  } finally {
    system.resume(victim);
  }
};

/**
 * Away for longer than an order can be paid, from a moment at which some are being paid or wait for it: the broker frozen,
 * as one is that has lost its disk or network; any other killed, and down for that long.
 */
const awayAcrossDeadline: KillAtPoint = async (system, { victim }) => {
  const waiting = await system.query<{ id: string }>(
    'order',
    `SELECT id FROM orders WHERE status = 'pending' AND payable_until > now()`,
  );
  const away = (system.paymentWindow + 2) * 1_000;
  if (victim !== 'rabbitmq') {
    await system.kill(victim, { downtime: away });
    await delay(away);
    return `${waiting.length} order(s) waited; away for ${away} ms`;
  }
  system.freeze(victim);
  try {
    await delay(away);
  } finally {
    system.resume(victim);
  }
  return `${waiting.length} order(s) waited; frozen for ${away} ms`;
};

/** The other provider takes new payments when it is back; some of the old one's have no outcome yet. */
const providerSwitched: KillAtPoint = async (system, { victim, downtime }) => {
  const processing = await until(
    async () => some(await system.query('payment', "SELECT provider FROM payments WHERE status = 'processing'")),
    { pause: lookPause, what: 'charge without an outcome' },
  );
  const next = system.providers.switch();
  await system.kill(victim, { downtime });
  return `${processing.length} charge(s) without an outcome; ${next} is first now`;
};

const readOnlyTime = 4_000;

/** A database that can be read and not written, as after a failover to a replica, for some seconds. */
const databaseReadOnly: KillAtPoint = async (system, { victim }) => {
  const name = databaseOf(victim);
  const ended = await system.setReadOnly(name, true);
  try {
    await delay(readOnlyTime);
  } finally {
    await system.setReadOnly(name, false);
  }
  return `${ended} session(s) could not write for ${readOnlyTime} ms`;
};

const ways: Record<CrashPoint, KillAtPoint> = {
  'before commit': undoneAt('commit'),
  'after commit': committedAt('commit'),
  'after publish': afterPublish,
  'after confirm': undoneAt('mark'),
  'after handling': committedAt('handling'),
  'after charge': afterCharge,
  'during shutdown': duringShutdown,
  'database before commit': databaseBeforeCommit,
  'broker before confirm': brokerBeforeConfirm,
  'away across the deadline': awayAcrossDeadline,
  'provider switched': providerSwitched,
  'database read-only': databaseReadOnly,
};

const tries = 5;

/** Kills the victim at its point; another kill may come between, so it is tried up to five times. Throws PointMissed. */
export async function killAtPoint(system: ChaosSystem, point: CrashPoint, kill: Kill): Promise<string> {
  const misses: string[] = [];
  for (;;) {
    await system.up();
    try {
      return await ways[point](system, kill);
    } catch (error) {
      // A database that is killed meanwhile takes the harness's own connection with it.
      misses.push(messageOf(error));
      if (misses.length === tries) throw new PointMissed(misses.join('; '), { cause: error });
    }
  }
}
