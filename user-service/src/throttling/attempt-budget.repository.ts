import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { pauseOf, type AttemptBudget } from './attempt-limit.js';

/** How long an address stays familiar after the last log-in from it. */
const FAMILIARITY = Prisma.sql`interval '90 days'`;
const PURGE_BATCH = 1_000;

const milliseconds = (count: number) => Prisma.sql`${count}::integer * interval '1 millisecond'`;

/** The time that the tries of a budget take to come back, all but the last one: beyond it none is left. */
const patience = ({ limit }: AttemptBudget) => milliseconds(pauseOf(limit) * (limit.quota - 1));

/**
 * What is used up of each limit, for all processes of the service: a budget is the one moment at which it will be full
 * again (the generic cell rate algorithm). The database's clock alone counts. (rate-limiter-flexible has fixed windows,
 * its processes' own clocks, and counts refused tries, too.)
 */
export class AttemptBudgetRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  /** Uses up a try; false: none is left. The row's lock lets no two tries have the same. */
  async take(budget: AttemptBudget): Promise<boolean> {
    const pause = milliseconds(pauseOf(budget.limit));
    const taken = await this.#database.$executeRaw`
      INSERT INTO attempt_budgets AS budget (key, full_at) VALUES (${budget.key}, clock_timestamp() + ${pause})
      ON CONFLICT (key) DO UPDATE SET full_at = greatest(budget.full_at, clock_timestamp()) + ${pause}, is_refusing = false
      WHERE budget.full_at <= clock_timestamp() + ${patience(budget)}`;
    return taken === 1;
  }

  /** Notes that a try was refused. Whether it is the first one since a try was used up. */
  async noteRefusal({ key }: AttemptBudget): Promise<boolean> {
    const noted = await this.#database.$executeRaw`
      UPDATE attempt_budgets SET is_refusing = true WHERE key = ${key} AND NOT is_refusing`;
    return noted === 1;
  }

  /** Seconds until a budget has a try again, at least one. */
  async secondsUntilNext(budget: AttemptBudget): Promise<number> {
    const [row] = await this.#database.$queryRaw<{ seconds: number }[]>`
      SELECT ceil(extract(epoch FROM full_at - clock_timestamp() - ${patience(budget)}))::integer AS seconds
      FROM attempt_budgets WHERE key = ${budget.key}`;
    return Math.max(1, row?.seconds ?? 1);
  }

  /** Takes back that a try was used up. */
  async giveBack({ key, limit }: AttemptBudget): Promise<void> {
    await this.#database.$executeRaw`
      UPDATE attempt_budgets SET full_at = full_at - ${milliseconds(pauseOf(limit))} WHERE key = ${key}`;
  }

  /** Gives all tries back. */
  async refill({ key }: AttemptBudget): Promise<void> {
    await this.#database.$executeRaw`DELETE FROM attempt_budgets WHERE key = ${key}`;
  }

  async isFamiliar(address: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const found = await this.#database.$queryRaw<unknown[]>`
      SELECT FROM familiar_addresses WHERE key = ${address} AND expires_at > now()`;
    return found.length > 0;
  }

  /** Written once a day at most, however often somebody logs in. */
  async makeFamiliar(address: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#database.$executeRaw`
      INSERT INTO familiar_addresses AS known (key, expires_at) VALUES (${address}, now() + ${FAMILIARITY})
      ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at
      WHERE known.expires_at < excluded.expires_at - interval '1 day'`;
  }

  /** Deletes up to `limit` rows of each kind that say nothing any more. True: there may be more of them. */
  async purge(limit = PURGE_BATCH): Promise<boolean> {
    const budgets = await this.#database.$executeRaw`
      DELETE FROM attempt_budgets WHERE key IN (
        SELECT key FROM attempt_budgets WHERE full_at <= now() ORDER BY full_at LIMIT ${limit}::integer
        FOR UPDATE SKIP LOCKED
      )`;
    const addresses = await this.#database.$executeRaw`
      DELETE FROM familiar_addresses WHERE key IN (
        SELECT key FROM familiar_addresses WHERE expires_at <= now() ORDER BY expires_at LIMIT ${limit}::integer
        FOR UPDATE SKIP LOCKED
      )`;
    return budgets === limit || addresses === limit;
  }
}
