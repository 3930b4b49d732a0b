import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { pauseOf, type AttemptBudget, type HashedKey } from './attempt-limit.js';

/** How long an address stays familiar after the last login from it. */
const FAMILIARITY = Prisma.sql`interval '90 days'`;
const PURGE_BATCH = 1_000;

const milliseconds = (count: number) => Prisma.sql`${count}::integer * interval '1 millisecond'`;

/** The time that the tries of a budget take to come back, all but the last one: beyond it none is left. */
const tolerance = ({ limit }: AttemptBudget) => milliseconds(pauseOf(limit) * (limit.quota - 1));

/** Not waiting for the disk: should the server crash, the tries of its last moment come back. */
const ASYNC_COMMIT = Prisma.sql`set_config('synchronous_commit', 'off', true)`;

export interface Taken {
  /** How many, from the first on. */
  count: number;
  isFamiliar: boolean;
}

/** What becomes of a budget after a try: it is given back, or all of its tries are. */
export interface Return {
  budget: AttemptBudget;
  all?: boolean;
}

/**
 * What is used up of each limit, for all processes of the service: a budget is the one moment at which it will be full
 * again (the generic cell rate algorithm). The database's clock alone counts. (rate-limiter-flexible has fixed windows,
 * its processes' own clocks, and counts refused tries, too.)
 *
 * Each method is one statement, and locks its rows in the order of its budgets: as long as all name them in one order,
 * none waits for another in a circle.
 */
export class AttemptBudgetRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  /**
   * Uses up a try of each, up to the first that has none left. The rows' locks let no two have the same try. At a
   * familiar place it does the same work, so that the time it takes doesn't tell.
   */
  async take(budgets: readonly AttemptBudget[], place?: HashedKey): Promise<Taken> {
    const isFamiliar =
      place === undefined
        ? Prisma.sql`false`
        : Prisma.sql`EXISTS (SELECT FROM familiar_addresses WHERE key = ${place} AND expires_at > now())`;
    const names = budgets.map((_, n) => Prisma.raw(`taken_${n}`));
    const takes = budgets.map((budget, n) => {
      const isFree = budget.isForStrangers ? Prisma.sql`(SELECT is_familiar FROM asked)` : Prisma.sql`false`;
      const pause = Prisma.sql`CASE WHEN ${isFree} THEN interval '0' ELSE ${milliseconds(pauseOf(budget.limit))} END`;
      return Prisma.sql`${names[n]} AS (
        INSERT INTO attempt_budgets AS budget (key, full_at)
        SELECT ${budget.key}::bytea, clock_timestamp() + ${pause} FROM ${names[n - 1] ?? Prisma.raw('asked')}
        ON CONFLICT (key) DO UPDATE
        SET full_at = greatest(budget.full_at, clock_timestamp()) + ${pause},
          is_refusing = budget.is_refusing AND ${isFree}
        WHERE ${isFree} OR budget.full_at <= clock_timestamp() + ${tolerance(budget)}
        RETURNING key
      )`;
    });
    const counts = names.map((name) => Prisma.sql`(SELECT count(*) FROM ${name})`);
    const [taken] = await this.#database.$write<Taken>(Prisma.sql`
      WITH asked AS MATERIALIZED (SELECT ${ASYNC_COMMIT}, ${isFamiliar} AS is_familiar), ${Prisma.join(takes)}
      SELECT (${Prisma.join(counts, ' + ')})::integer AS count, is_familiar AS "isFamiliar" FROM asked`);
    if (taken === undefined) throw new Error('a statement that selects one row gave none');
    return taken;
  }

  /** Gives tries back, and makes the place familiar where there is one: that is written once a day at most. */
  async giveBack(returns: readonly Return[], place?: HashedKey): Promise<void> {
    const welcome =
      place === undefined
        ? Prisma.empty
        : Prisma.sql`, welcomed AS (${welcomeTo(place)} WHERE (SELECT count(*) FROM returned) >= 0 ${longer})`;
    await this.#database.$executeRaw`
      WITH ${locked(returns.map(({ budget, all = false }) => ({ budget, isReturned: true, all })))}, returned AS (
        UPDATE attempt_budgets AS budget
        SET full_at = CASE WHEN locked.all_of_it THEN clock_timestamp() ELSE budget.full_at - locked.pause END
        FROM locked WHERE budget.key = locked.key RETURNING budget.key
      )${welcome} SELECT count(*) FROM returned`;
  }

  /**
   * Notes that a budget had no try left, and gives back what was taken before it. Answers the seconds until it has one,
   * and whether it is the first refusal since a try was used up.
   */
  async refuse(
    refused: AttemptBudget,
    taken: readonly AttemptBudget[],
  ): Promise<{ retryAfterSeconds: number; isFirst: boolean }> {
    const rows = [
      ...taken.map((budget) => ({ budget, isReturned: true, all: false })),
      { budget: refused, isReturned: false, all: false },
    ];
    const [row] = await this.#database.$queryRaw<{ seconds: number; isFirst: boolean }[]>`
      WITH ${locked(rows)}, changed AS (
        UPDATE attempt_budgets AS budget
        SET full_at = budget.full_at - locked.pause, is_refusing = budget.is_refusing OR NOT locked.is_returned
        FROM locked WHERE budget.key = locked.key AND (locked.is_returned OR NOT locked.is_refusing)
      )
      SELECT ceil(extract(epoch FROM full_at - clock_timestamp() - ${tolerance(refused)}))::integer AS seconds,
        NOT is_refusing AS "isFirst"
      FROM locked WHERE NOT is_returned`;
    return { retryAfterSeconds: Math.max(1, row?.seconds ?? 1), isFirst: row?.isFirst ?? false };
  }

  async makeFamiliar(place: HashedKey): Promise<void> {
    await this.#database.$executeRaw`${welcomeTo(place)} ${longer}`;
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

const welcomeTo = (place: HashedKey) => Prisma.sql`
  INSERT INTO familiar_addresses AS known (key, expires_at) SELECT ${place}::bytea, now() + ${FAMILIARITY}`;
const longer = Prisma.sql`
  ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at
  WHERE known.expires_at < excluded.expires_at - interval '1 day'`;

/** The CTE `locked`: the rows of budgets as they are now, locked one after another. */
function locked(rows: readonly { budget: AttemptBudget; isReturned: boolean; all: boolean }[]): Prisma.Sql {
  const values = rows.map(({ budget: { key, limit }, isReturned, all }, turn) => {
    const pause = milliseconds(isReturned ? pauseOf(limit) : 0);
    return Prisma.sql`(${turn}::integer, ${key}::bytea, ${pause}, ${isReturned}::boolean, ${all}::boolean)`;
  });
  return Prisma.sql`
    wanted (turn, key, pause, is_returned, all_of_it) AS (VALUES ${Prisma.join(values)}),
    async_commit AS MATERIALIZED (SELECT ${ASYNC_COMMIT}),
    locked AS MATERIALIZED (
      SELECT wanted.*, budget.full_at, budget.is_refusing
      FROM async_commit, wanted JOIN attempt_budgets AS budget USING (key)
      ORDER BY wanted.turn FOR UPDATE OF budget
    )`;
}
