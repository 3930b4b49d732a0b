import { Client } from 'pg';
import type { Database } from '../database.js';

/** Of all advisory locks of this database. */
const LOCK = 727_003;
const CONNECT_TIMEOUT = 5_000;

/** Whose turn it is to compare the ledgers: by the database's clock, one process at a time. */
export class ComparisonTurns {
  readonly #database: Database;
  readonly #url: string;

  constructor({ database, url }: { database: Database; url: string }) {
    this.#database = database;
    this.#url = url;
  }

  /**
   * Does the work, which answers how many differences it has found, unless it was done within the last hour or another
   * process is doing it. Work that fails is due again after five minutes.
   */
  async ifDue(work: () => Promise<number>): Promise<void> {
    if (!(await this.#isDue())) return;
    // A session of its own holds the lock: it is free as soon as this process is gone.
    const client = new Client({
      connectionString: this.#url,
      application_name: 'payment-service comparison',
      connectionTimeoutMillis: CONNECT_TIMEOUT,
    });
    client.on('error', () => undefined); // a lost connection lets go of the lock: at worst the ledgers are compared twice
    await client.connect();
    try {
      const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [LOCK]);
      if (rows[0]?.mine !== true || !(await this.#isDue())) return;
      const [started] = await this.#database.$queryRaw<{ id: bigint }[]>`
        INSERT INTO comparison_runs DEFAULT VALUES RETURNING id`;
      const differences = await work();
      await this.#database.$executeRaw`
        UPDATE comparison_runs SET ended_at = clock_timestamp(), differences = ${differences}::integer
        WHERE id = ${started?.id}::bigint`;
      await this.#database.$executeRaw`DELETE FROM comparison_runs WHERE started_at < now() - interval '30 days'`;
    } finally {
      await client.end();
    }
  }

  async #isDue(): Promise<boolean> {
    const recent = await this.#database.$queryRaw<unknown[]>`
      SELECT FROM comparison_runs WHERE ended_at > now() - interval '1 hour'
        OR (ended_at IS NULL AND started_at > now() - interval '5 minutes') LIMIT 1`;
    return recent.length === 0;
  }
}
