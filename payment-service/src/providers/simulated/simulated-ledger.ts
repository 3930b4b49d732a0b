import { Pool, type PoolClient } from 'pg';
import { z } from 'zod';
import { tolerateLostConnections } from '@shop/common/database';
import {
  ProviderNotReached,
  type Charge,
  type ChargeRefund,
  type LedgerEntry,
  type LedgerPage,
  type LedgerPageRequest,
  type ProviderLedger,
  type Verdict,
} from '../payment-provider.js';
import { LEDGER_TABLES } from './simulated-ledger-tables.js';

const CONNECT_TIMEOUT = 2_000;
const STATEMENT_TIMEOUT = 10_000;
const MAX_CONNECTIONS = 10;
const PAGE = 100;

/** When the provider sends webhooks about a charge and its refunds, if it does. */
export const webhookTimings = ['first', 'twice', 'late', 'after'] as const;
export type WebhookTiming = (typeof webhookTimings)[number];

const verdictRow = z.object({ transaction_id: z.string(), decline_reason: z.string().nullable() });
const entryRow = verdictRow.extend({
  key: z.string(),
  amount: z.string().transform(BigInt),
  currency: z.string(),
  position: z.string(),
});
const webhookRow = z.object({ timing: z.enum(webhookTimings) });

const verdictOf = (row: unknown): Verdict => {
  const { transaction_id: transactionId, decline_reason: reason } = verdictRow.parse(row);
  return reason === null ? { outcome: 'succeeded', transactionId } : { outcome: 'declined', reason };
};

/** What was entered for a key, and whether that was now. */
export interface Entered {
  readonly verdict: Verdict;
  readonly isNew: boolean;
  readonly webhook: WebhookTiming | undefined;
}

export interface SimulatedLedgerOptions {
  url: string;
  newId: () => string;
  /** Told when a connection breaks that no query is using. */
  onConnectionLost: (error: Error) => void;
}

/** The provider's own books, apart from ours. What is entered once for a key stays. */
export class SimulatedLedger implements ProviderLedger {
  readonly #pool: Pool;
  readonly #newId: () => string;
  #isSetUp = false;

  constructor({ url, newId, onConnectionLost }: SimulatedLedgerOptions) {
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
    tolerateLostConnections(this.#pool);
  }

  /** Throws ProviderNotReached when there is no connection. */
  async enterCharge(
    { key, amount, currency }: Omit<Charge, 'token'>,
    { declineReason, webhook }: { declineReason: string | null; webhook?: WebhookTiming | undefined },
  ): Promise<Entered> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query(
        `WITH entered AS (
           INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency, decline_reason)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING RETURNING *
         ), told AS (
           INSERT INTO simulated_provider.charge_webhooks (transaction_id, timing)
           SELECT transaction_id, $6::text FROM entered WHERE $6 IS NOT NULL
         )
         SELECT * FROM entered`,
        [key, `ch_${this.#newId()}`, amount, currency, declineReason, webhook ?? null],
      );
      if (rows.length > 0) return { verdict: verdictOf(rows[0]), isNew: true, webhook };
      const known = await client.query('SELECT * FROM simulated_provider.charges WHERE key = $1', [key]);
      return { verdict: verdictOf(known.rows[0]), isNew: false, webhook };
    });
  }

  /** Declined unless the charge succeeded and has that much left. Throws ProviderNotReached when there is no connection. */
  async enterRefund({ key, transactionId, amount, currency }: ChargeRefund): Promise<Entered> {
    return this.#withClient((client) =>
      inTransaction(client, async () => {
        const charge = await client.query(
          'SELECT amount, currency, decline_reason FROM simulated_provider.charges WHERE transaction_id = $1 FOR UPDATE',
          [transactionId],
        );
        const told = await client.query(
          'SELECT timing FROM simulated_provider.charge_webhooks WHERE transaction_id = $1',
          [transactionId],
        );
        const webhook = told.rows.map((row) => webhookRow.parse(row).timing)[0];
        const known = await client.query('SELECT * FROM simulated_provider.refunds WHERE key = $1', [key]);
        if (known.rows.length > 0) return { verdict: verdictOf(known.rows[0]), isNew: false, webhook };
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
        return { verdict: verdictOf(entered.rows[0]), isNew: true, webhook };
      }),
    );
  }

  async find(table: 'charges' | 'refunds', key: string): Promise<Verdict | undefined> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query(`SELECT * FROM simulated_provider.${table} WHERE key = $1`, [key]);
      return rows.length > 0 ? verdictOf(rows[0]) : undefined;
    });
  }

  listCharges(page: LedgerPageRequest): Promise<LedgerPage> {
    return this.#list('charges', page);
  }

  listRefunds(page: LedgerPageRequest): Promise<LedgerPage> {
    return this.#list('refunds', page);
  }

  /** Oldest first. */
  async #list(table: 'charges' | 'refunds', { since, start }: LedgerPageRequest): Promise<LedgerPage> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query(
        `SELECT *, created_at::text AS position FROM simulated_provider.${table}
         WHERE created_at >= $1 AND ($2::text IS NULL OR (created_at, key) > ($3::timestamptz, $2))
         ORDER BY created_at, key LIMIT $4`,
        [since, ...(start === undefined ? [null, null] : positionOf(start)), PAGE],
      );
      const page = rows.map((row) => entryRow.parse(row));
      const last = page.length === PAGE ? page.at(-1) : undefined;
      return {
        entries: page.map(({ key, amount, currency, ...row }): LedgerEntry => ({
          key,
          amount,
          currency,
          verdict: verdictOf(row),
        })),
        next: last && JSON.stringify([last.key, last.position]),
      };
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
      if (!this.#isSetUp) await client.query(LEDGER_TABLES);
      this.#isSetUp = true;
      return client;
    } catch (error) {
      client?.release(true);
      throw new ProviderNotReached('no connection to the simulated provider', { cause: error });
    }
  }
}

/** Key and time of the last entry of a page. */
const positionOf = (start: string): [string, string] => z.tuple([z.string(), z.string()]).parse(JSON.parse(start));

async function inTransaction<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  const result = await work();
  await client.query('COMMIT');
  return result;
}
