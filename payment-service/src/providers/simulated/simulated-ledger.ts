import { Pool, type PoolClient } from 'pg';
import { z } from 'zod';
import { ProviderNotReached, type Charge, type ChargeRefund, type Verdict } from '../payment-provider.js';

const CONNECT_TIMEOUT = 2_000;
const STATEMENT_TIMEOUT = 10_000;
const MAX_CONNECTIONS = 10;
/** Held while the tables are made, since two processes may start at once. */
const SET_UP_LOCK = 72_707_371;

const TABLES = `
  SELECT pg_advisory_xact_lock(${SET_UP_LOCK});
  CREATE SCHEMA IF NOT EXISTS simulated_provider;
  CREATE TABLE IF NOT EXISTS simulated_provider.charges (
    key text PRIMARY KEY,
    transaction_id text NOT NULL UNIQUE,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    decline_reason text,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE IF NOT EXISTS simulated_provider.refunds (
    key text PRIMARY KEY,
    transaction_id text NOT NULL UNIQUE,
    charge_transaction_id text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    decline_reason text,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX IF NOT EXISTS refunds_charge_idx ON simulated_provider.refunds (charge_transaction_id);`;

const entry = z.object({ transaction_id: z.string(), decline_reason: z.string().nullable() });

const verdictOf = (row: unknown): Verdict => {
  const { transaction_id: transactionId, decline_reason: reason } = entry.parse(row);
  return reason === null ? { outcome: 'succeeded', transactionId } : { outcome: 'declined', reason };
};

/** What was entered for a key, and whether that was now. */
export interface Entry {
  readonly verdict: Verdict;
  readonly isNew: boolean;
}

/** The provider's own books, apart from ours. What is entered once for a key stays. */
export class SimulatedLedger {
  readonly #pool: Pool;
  readonly #newId: () => string;
  #isSetUp = false;

  constructor({
    url,
    newId,
    onConnectionLost,
  }: {
    url: string;
    newId: () => string;
    onConnectionLost: (error: Error) => void;
  }) {
    this.#newId = newId;
    this.#pool = new Pool({
      connectionString: url,
      max: MAX_CONNECTIONS,
      application_name: 'simulated payment provider',
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      statement_timeout: STATEMENT_TIMEOUT,
      query_timeout: STATEMENT_TIMEOUT,
    });
    this.#pool.on('error', onConnectionLost);
  }

  /** Throws ProviderNotReached when there is no connection. */
  async enterCharge({ key, amount, currency }: Charge, declineReason: string | null): Promise<Entry> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query(
        `INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency, decline_reason)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING RETURNING *`,
        [key, `ch_${this.#newId()}`, amount, currency, declineReason],
      );
      if (rows.length > 0) return { verdict: verdictOf(rows[0]), isNew: true };
      const known = await client.query('SELECT * FROM simulated_provider.charges WHERE key = $1', [key]);
      return { verdict: verdictOf(known.rows[0]), isNew: false };
    });
  }

  /** Declined unless the charge succeeded and has that much left. Throws ProviderNotReached when there is no connection. */
  async enterRefund({ key, transactionId, amount, currency }: ChargeRefund): Promise<Entry> {
    return this.#withClient((client) =>
      inTransaction(client, async () => {
        const charge = await client.query(
          'SELECT amount, currency, decline_reason FROM simulated_provider.charges WHERE transaction_id = $1 FOR UPDATE',
          [transactionId],
        );
        const known = await client.query('SELECT * FROM simulated_provider.refunds WHERE key = $1', [key]);
        if (known.rows.length > 0) return { verdict: verdictOf(known.rows[0]), isNew: false };
        const entered = await client.query(
          `INSERT INTO simulated_provider.refunds
             (key, transaction_id, charge_transaction_id, amount, currency, decline_reason)
           SELECT $1, $2, $3::text, $4::bigint, $5::text, CASE
             WHEN $6 THEN 'charge_not_found'
             WHEN (
               SELECT charges.amount - coalesce(sum(refunds.amount), 0) FROM simulated_provider.charges
               LEFT JOIN simulated_provider.refunds
                 ON refunds.charge_transaction_id = charges.transaction_id AND refunds.decline_reason IS NULL
               WHERE charges.transaction_id = $3 AND charges.currency = $5 AND charges.decline_reason IS NULL
               GROUP BY charges.amount
             ) >= $4 THEN NULL
             ELSE 'amount_too_large'
           END RETURNING *`,
          [key, `re_${this.#newId()}`, transactionId, amount, currency, charge.rows.length === 0],
        );
        return { verdict: verdictOf(entered.rows[0]), isNew: true };
      }),
    );
  }

  async find(table: 'charges' | 'refunds', key: string): Promise<Verdict | undefined> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query(`SELECT * FROM simulated_provider.${table} WHERE key = $1`, [key]);
      return rows.length > 0 ? verdictOf(rows[0]) : undefined;
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #withClient<T>(use: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let failure: Error | undefined;
    try {
      return await use(client);
    } catch (error) {
      failure = error instanceof Error ? error : new Error('query failed', { cause: error });
      throw error;
    } finally {
      // A connection on which something failed may be in any state: it isn't used again.
      client.release(failure);
    }
  }

  async #connect(): Promise<PoolClient> {
    let client: PoolClient | undefined;
    try {
      client = await this.#pool.connect();
      if (!this.#isSetUp) await client.query(TABLES);
      this.#isSetUp = true;
      return client;
    } catch (error) {
      client?.release(true);
      throw new ProviderNotReached('no connection to the simulated provider', { cause: error });
    }
  }
}

async function inTransaction<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  const result = await work();
  await client.query('COMMIT');
  return result;
}
