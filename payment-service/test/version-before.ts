import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { v7 as newId } from 'uuid';
import { retryWhere } from '@shop/common/errors';

/** An order that this version has consumed, and the payment that it opened for it. */
export interface OldOrder {
  id: string;
  userId: string;
  paymentId: string;
  currency: 'USD' | 'JPY';
  status: 'pending' | 'success';
}

export interface OldOrderChanges {
  currency?: OldOrder['currency'];
  /** Milliseconds that it may be paid for. */
  payableFor?: number;
}

const PAUSE = 5;
const DEADLOCK = '40P01';
const MAX_TRIES = 4;
const LATEST_FIRST = `status IN ('failed', 'cancelled'), created_at DESC, id DESC`;
const PAYMENT_COLUMNS = `id, order_id AS "orderId", user_id AS "userId", amount, refunded_amount AS "refundedAmount",
  refund_reserved AS "refundReserved", currency, status, method, transaction_id AS "transactionId", provider, description,
  failure_reason AS "failureReason", paid_at AS "paidAt", version, created_at AS "createdAt", updated_at AS "updatedAt"`;
const PUBLISH = `INSERT INTO outbox (id, type, subject, sequence, time, data, traceparent)
  SELECT id, type, subject, sequence, time, data, traceparent FROM json_to_recordset($1::json) AS event (
    id uuid, type text, subject text, sequence integer, time timestamptz, data jsonb, traceparent text
  )`;

const eventOf = (type: string, subject: string, sequence: number): string =>
  JSON.stringify([{ id: newId(), time: new Date(), type, subject, sequence, data: { id: subject } }]);

/**
 * The version of this service that used the schema of VERSION_BEFORE, as its database saw it: the statements that it sent,
 * prepared once a connection, for orders that are notified of, charged by two processes, and published by the relay.
 */
export class VersionBefore {
  readonly #pool: pg.Pool;
  readonly #relayClient: pg.Client;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly orders: OldOrder[] = [];
  readonly failures: unknown[] = [];

  constructor(databaseUrl: string) {
    this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 4, statement_timeout: 10_000 });
    this.#relayClient = new pg.Client({ connectionString: databaseUrl });
  }

  /** Consumes orders and charges every other one, until it stops; publishes its events meanwhile. */
  async start(): Promise<void> {
    await this.#relayClient.connect();
    await this.#relayClient.query(`SELECT pg_advisory_lock(hashtextextended('outbox relay', 0))`);
    const work = async (index: number): Promise<void> => {
      const order = await this.remember({ currency: index % 2 === 0 ? 'USD' : 'JPY' });
      if (this.orders.length % 2 === 0) await this.charge(order);
    };
    this.#running.push(
      ...[1, 2].map((index) => this.#repeat(() => work(index))),
      this.#repeat(() => this.#relay()),
    );
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await Promise.all(this.#running);
    await Promise.all([this.#pool.end(), this.#relayClient.end()]);
  }

  async #repeat(step: () => Promise<void>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await step().catch((error: unknown) => this.failures.push(error));
      await delay(PAUSE);
    }
  }

  /** On `order.created`. */
  async remember({ currency = 'USD', payableFor = 30 * 60_000 }: OldOrderChanges = {}): Promise<OldOrder> {
    const order: OldOrder = { id: newId(), userId: newId(), paymentId: newId(), currency, status: 'pending' };
    const now = new Date();
    await this.#transaction(async (ask) => {
      await ask(
        'note',
        `WITH noted AS (
           INSERT INTO inbox (event_id, type) VALUES ($1::uuid, $2) ON CONFLICT DO NOTHING RETURNING event_id
         )
         INSERT INTO applied_sequences (aggregate, sequence) SELECT $3, 1 FROM noted
         ON CONFLICT (aggregate) DO UPDATE SET sequence = excluded.sequence
         WHERE applied_sequences.sequence < excluded.sequence`,
        [newId(), 'order.created', `order/${order.id}`],
      );
      await ask(
        'remember',
        `INSERT INTO payable_orders (id, user_id, amount, currency, status, payable_until)
         VALUES ($1, $2, 4498, $3, 'pending', $4) ON CONFLICT DO NOTHING`,
        [order.id, order.userId, currency, new Date(now.getTime() + payableFor)],
      );
      await this.#lock(ask, order.id);
      await ask(
        'open',
        `INSERT INTO payments (id, order_id, user_id, amount, refunded_amount, refund_reserved, currency, status, method,
           transaction_id, provider, description, failure_reason, paid_at, version, created_at, updated_at)
         VALUES ($1, $2, $3, 4498, 0, 0, $4, 'pending', 'card', NULL, NULL, NULL, NULL, NULL, 1, $5, $5) RETURNING id`,
        [order.paymentId, order.id, order.userId, currency, now],
      );
      await ask('publish', PUBLISH, [eventOf('payment.created', order.paymentId, 1)]);
    });
    this.orders.push(order);
    return order;
  }

  /** On `POST /payments/:id/process`, with a provider that says yes. */
  async charge(order: OldOrder): Promise<void> {
    const { rowCount } = await retried(() =>
      this.#pool.query({
        name: 'start',
        text: `WITH saved AS (
               UPDATE payments SET status = 'processing', provider = 'simulated', version = 2, updated_at = now()
               WHERE id = $2::uuid AND status = 'pending' AND version = 1 RETURNING id
             ), published AS (${PUBLISH} WHERE EXISTS (SELECT FROM saved))
             SELECT id FROM saved`,
        values: [eventOf('payment.processing', order.paymentId, 2), order.paymentId],
      }),
    );
    if (rowCount !== 1) throw new Error(`payment ${order.paymentId} is not pending`);
    await this.#transaction(async (ask) => {
      const { provider } = await this.#lock(ask, order.id);
      const settled = await ask(
        'settle',
        `UPDATE payments SET status = 'success', transaction_id = $2, provider = $3, paid_at = now(), version = 3, updated_at = now()
         WHERE id = $1 AND version = 2`,
        [order.paymentId, `ch_${order.paymentId}`, provider],
      );
      if (settled.rowCount !== 1) throw new Error(`payment ${order.paymentId} was changed at the same time`);
      await ask('publish', PUBLISH, [eventOf('payment.success', order.paymentId, 3)]);
    });
    order.status = 'success';
  }

  async #lock(ask: Ask, orderId: string): Promise<{ provider?: string }> {
    const { rowCount } = await ask(
      'lock order',
      `SELECT id, user_id AS "userId", amount, currency, status, payable_until AS "payableUntil"
       FROM payable_orders WHERE id = $1::uuid FOR UPDATE`,
      [orderId],
    );
    if (rowCount !== 1) throw new Error(`order ${orderId} is not known`);
    const { rows } = await ask(
      'lock payment',
      `SELECT ${PAYMENT_COLUMNS} FROM payments WHERE order_id = $1::uuid ORDER BY ${LATEST_FIRST} LIMIT 1 FOR UPDATE`,
      [orderId],
    );
    return rows[0] ?? {};
  }

  async #relay(): Promise<void> {
    const { rows } = await this.#relayClient.query<{ position: string }>({
      name: 'next-events',
      text: `SELECT position, id, type, subject, sequence, time, data, traceparent FROM outbox
             WHERE published_at IS NULL ORDER BY position LIMIT $1`,
      values: [200],
    });
    await this.#relayClient.query({
      name: 'mark-published',
      text: `UPDATE outbox SET published_at = now() WHERE position = ANY($1::bigint[])`,
      values: [rows.map(({ position }) => position)],
    });
  }

  async #transaction(work: (ask: Ask) => Promise<void>): Promise<void> {
    await retried(async () => {
      const client = await this.#pool.connect();
      try {
        await client.query('BEGIN');
        await work((name, text, values) => client.query({ name, text, values }));
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    });
  }
}

type Ask = (name: string, text: string, values: unknown[]) => Promise<pg.QueryResult<{ provider?: string }>>;

/** A deadlock is tried again, as this version did. */
const retried = <Result>(work: () => Promise<Result>): Promise<Result> =>
  retryWhere((error) => error instanceof pg.DatabaseError && error.code === DEADLOCK, work, { tries: MAX_TRIES });
