// Gates in the databases: while one is closed, transactions wait at exactly one point of their way.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** `commit`: all of a change is written, nothing is committed. `handling`: the same, of an event's effect. `mark`: an event was confirmed by the broker, and its mark in the outbox is about to be written. */
export const gateNumbers = { commit: 1, handling: 2, mark: 3 } as const;
export type GateName = keyof typeof gateNumbers;

const lockClass = 727_274;
const endTimeoutMs = 2_000;
const leaveTimeoutMs = 30_000;
const lookPauseMs = 20;

/**
 * Triggers of the harness's own, beside those of the service: each asks for a lock that it gets at once, unless the
 * harness holds it. What is deferred runs at commit, after everything else was written.
 */
const triggers = `
  CREATE SCHEMA chaos;
  CREATE FUNCTION chaos.pass_gate() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_advisory_xact_lock_shared(${lockClass}, TG_ARGV[0]::integer);
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER chaos_commit AFTER INSERT ON outbox_waiting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION chaos.pass_gate(${gateNumbers.commit});
  CREATE CONSTRAINT TRIGGER chaos_handling AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION chaos.pass_gate(${gateNumbers.handling});
  CREATE TRIGGER chaos_mark BEFORE UPDATE ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION chaos.pass_gate(${gateNumbers.mark});`;

export async function installGates(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(triggers);
  } finally {
    await client.end();
  }
}

/** A session that waits at the gate. */
export interface Waiter {
  pid: number;
  /** What it says of itself, such as `order-service`. */
  application: string;
}

export class Gate {
  readonly #client: pg.Client;
  readonly #number: number;

  static async close(databaseUrl: string, name: GateName): Promise<Gate> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'chaos gate',
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
    });
    client.on('error', () => undefined); // the server may be killed while the gate is closed
    const gate = new Gate(client, gateNumbers[name]);
    try {
      await client.connect();
      await client.query('SELECT pg_advisory_lock($1, $2)', [lockClass, gate.#number]);
    } catch (error) {
      await gate.open();
      throw error;
    }
    return gate;
  }

  private constructor(client: pg.Client, number: number) {
    this.#client = client;
    this.#number = number;
  }

  /** The sessions that wait here, once there is one; none when the time is over. */
  async waiters({ timeout }: { timeout: number }): Promise<Waiter[]> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const { rows } = await this.#client.query<Waiter>(
        `SELECT pid, application_name AS application FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND NOT granted AND classid = $1 AND objid = $2 AND objsubid = 2`,
        [lockClass, this.#number],
      );
      if (rows.length > 0 || Date.now() > deadline) return rows;
      await this.#client.query(`SELECT pg_sleep(${lookPauseMs / 1_000})`);
    }
  }

  /** Ends sessions, as the server does when it notices that their clients are gone: what they wrote is undone. */
  async undo(waiters: readonly Waiter[]): Promise<void> {
    await this.#client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid', [pidsOf(waiters)]);
    await this.#untilNone(waiters, '');
  }

  /** Lets everybody pass, and resolves when these sessions have committed. The gate can still be asked. */
  async letCommit(waiters: readonly Waiter[]): Promise<void> {
    await this.#client.query('SELECT pg_advisory_unlock($1, $2)', [lockClass, this.#number]);
    await this.#untilNone(waiters, `AND state = 'active'`);
  }

  async open(): Promise<void> {
    // Gone with its server, it may never say that it has ended.
    await Promise.race([this.#client.end().catch(() => undefined), delay(endTimeoutMs, undefined, { ref: false })]);
  }

  async #untilNone(waiters: readonly Waiter[], condition: string): Promise<void> {
    const text = `SELECT FROM pg_stat_activity WHERE pid = ANY($1::integer[]) ${condition}`;
    const deadline = Date.now() + leaveTimeoutMs;
    while (((await this.#client.query(text, [pidsOf(waiters)])).rowCount ?? 0) > 0) {
      if (Date.now() > deadline) throw new Error('sessions stay at the gate');
      await this.#client.query('SELECT pg_sleep(0.01)');
    }
  }
}

const pidsOf = (waiters: readonly Waiter[]): number[] => waiters.map(({ pid }) => pid);
