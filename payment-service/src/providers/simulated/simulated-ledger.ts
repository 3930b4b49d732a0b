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
  type Money,
  type ProviderLedger,
  type Verdict,
} from '../payment-provider.js';
import { LEDGER_TABLES } from './simulated-ledger-tables.js';

const STATEMENT_TIMEOUT = 10_000;
const MAX_CONNECTIONS = 10;
const PAGE = 100;

/** When the provider sends webhooks about a charge and its refunds, if it does. */
export const webhookTimings = ['first', 'twice', 'late', 'after'] as const;
export type WebhookTiming = (typeof webhookTimings)[number];

const verdictRow = z.object({
  transaction_id: z.string(),
  decline_reason: z.string().nullable(),
  amount: z.string().transform(BigInt),
  currency: z.string(),
});
const entryRow = z.object({ key: z.string(), position: z.string() });
const challengeRow = z.object({ decline_reason: z.string().nullable(), is_answered: z.boolean() });
const webhookRow = z.object({ timing: z.enum(webhookTimings) });

const verdictOf = (row: unknown): Verdict => {
  const { transaction_id: transactionId, decline_reason: reason, amount, currency } = verdictRow.parse(row);
  return reason === null
    ? { outcome: 'succeeded', transactionId, amount, currency }
    : { outcome: 'declined', reason, amount, currency };
};

/** What a charge is called, as many providers have it: it follows from the caller's key. */
export const referenceOf = (key: string): string => `ch_${key}`;

/** A charge under our key for it. */
export type KeyedCharge = Money & Pick<Charge, 'key'> & Partial<Pick<Charge, 'reference'>>;

/** What was entered for a key, and whether that was now. */
export interface Entered {
  readonly verdict: Verdict;
  readonly isNew: boolean;
  readonly webhook: WebhookTiming | undefined;
}

export interface SimulatedLedgerOptions {
  url: string;
  /** Milliseconds. */
  connectTimeout: number;
  newId: () => string;
  /** Notified when a connection breaks that no query is using. */
  onConnectionLost: (error: Error) => void;
}

/** The provider's own ledger, apart from ours. What is entered once for a key stays. */
export class SimulatedLedger implements ProviderLedger {
  readonly #pool: Pool;
  readonly #newId: () => string;
  #isSetUp = false;

  constructor({ url, connectTimeout, newId, onConnectionLost }: SimulatedLedgerOptions) {
    this.#newId = newId;
    this.#pool = new Pool({
      connectionString: url,
      max: MAX_CONNECTIONS,
      application_name: 'simulated payment provider',
      connectionTimeoutMillis: connectTimeout,
      statement_timeout: STATEMENT_TIMEOUT,
      query_timeout: STATEMENT_TIMEOUT,
    });
    this.#pool.on('error', onConnectionLost);
    tolerateLostConnections(this.#pool);
  }

  /** The customer's bank asks the customer, who answers after so many milliseconds: undefined is never. */
  async challenge(
    key: string,
    { declineReason, answersAfter }: { declineReason: string | null; answersAfter: number | undefined },
  ): Promise<void> {
    await this.#withClient((client) =>
      client.query(
        `INSERT INTO simulated_provider.challenges
         VALUES ($1, $2, coalesce(now() + $3::integer * interval '1 millisecond', 'infinity')) ON CONFLICT DO NOTHING`,
        [key, declineReason, answersAfter],
      ),
    );
  }

  /** The verdict on a charge, `challenged` while the customer is being asked, undefined where there is nothing yet. */
  async findCharge(charge: KeyedCharge): Promise<Verdict | 'challenged' | undefined> {
    const verdict = await this.find('charges', charge.key);
    if (verdict !== undefined) return verdict;
    const challenge = await this.#withClient(async (client) => {
      const { rows } = await client.query(
        'SELECT decline_reason, answered_at <= now() AS is_answered FROM simulated_provider.challenges WHERE key = $1',
        [charge.key],
      );
      return rows.map((row) => challengeRow.parse(row))[0];
    });
    if (challenge === undefined) return undefined;
    if (!challenge.is_answered) return 'challenged';
    return (await this.enterCharge(charge, { declineReason: challenge.decline_reason })).verdict;
  }

  /** Throws ProviderNotReached when there is no connection. */
  async enterCharge(
    { key, reference, amount, currency }: KeyedCharge,
    { declineReason, webhook }: { declineReason: string | null; webhook?: WebhookTiming | undefined },
  ): Promise<Entered> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query({
        name: 'enter-charge',
        text: `WITH entered AS (
           INSERT INTO simulated_provider.charges (key, transaction_id, amount, currency, decline_reason)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING RETURNING *
         ), published AS (
           INSERT INTO simulated_provider.charge_webhooks (transaction_id, timing)
           SELECT transaction_id, $6::text FROM entered WHERE $6 IS NOT NULL
         )
         SELECT * FROM entered`,
        values: [key, reference ?? referenceOf(key), amount, currency, declineReason, webhook ?? null],
      });
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
        const reported = await client.query(
          'SELECT timing FROM simulated_provider.charge_webhooks WHERE transaction_id = $1',
          [transactionId],
        );
        const webhook = reported.rows.map((row) => webhookRow.parse(row).timing)[0];
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
      const last = rows.length === PAGE ? entryRow.parse(rows.at(-1)) : undefined;
      return {
        entries: rows.map((row): LedgerEntry => {
          const { amount, currency, ...verdict } = verdictOf(row);
          return { key: entryRow.parse(row).key, amount, currency, verdict };
        }),
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
