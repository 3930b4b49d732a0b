import { fixedStatement, type Given } from '@shop/common/database';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { pauseOf, toleranceOf, type AttemptBudget, type HashedKey } from './attempt-limit.js';

/** How long an address stays familiar after the last login from it. */
const FAMILIARITY = Prisma.sql`interval '90 days'`;
const MILLISECOND = Prisma.sql`interval '1 millisecond'`;
const PURGE_BATCH = 1_000;

/** Not waiting for the disk: should the server crash, the tries of its last moment come back. */
const ASYNC_COMMIT = Prisma.sql`
  async_commit AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))`;

export interface Taken {
  /** With the keys that they were taken of. */
  taken: readonly AttemptBudget[];
  /** The first that has no try left. */
  refused: AttemptBudget | undefined;
}

export interface Return {
  budget: AttemptBudget;
  tries: number;
}

/** What `takeClauses` has found of a budget. */
export interface TakenRow {
  key: HashedKey;
  isEmpty: boolean;
  isTaken: boolean;
}

/**
 * The CTEs that use up tries, for a statement that reads with them what they are tries of, where `areTaken`. Its rows are
 * for `takenOf`:
 *
 *     WITH ${takeClauses(given)} SELECT ${takenColumns}, ... FROM ${takenTable} ORDER BY turn
 */
export const takeClauses = (given: Given<readonly AttemptBudget[]>): Prisma.Sql => Prisma.sql`
  ${ASYNC_COMMIT},
  asked AS (
    SELECT *
    FROM async_commit, unnest(
      ${given((budgets) => budgets.map(({ key }) => key))}::bytea[],
      ${given((budgets) => budgets.map(({ familiarPlace }) => familiarPlace ?? null))}::bytea[],
      ${given((budgets) => budgets.map(({ limit }) => pauseOf(limit)))}::integer[],
      ${given((budgets) => budgets.map(({ limit }) => toleranceOf(limit)))}::integer[]
    ) WITH ORDINALITY AS budget (usual_key, place, pause, tolerance, turn)
  ),
  wanted AS MATERIALIZED (
    SELECT turn, coalesce(familiar.key, usual_key) AS key,
      now() + pause * ${MILLISECOND} AS full_after_one, now() + tolerance * ${MILLISECOND} AS latest_full_at
    FROM asked LEFT JOIN familiar_addresses AS familiar ON familiar.key = place AND familiar.expires_at > now()
  ),
  empty AS MATERIALIZED (
    SELECT wanted.key FROM wanted JOIN attempt_budgets AS budget USING (key) WHERE budget.full_at > latest_full_at
  ),
  taken AS (
    INSERT INTO attempt_budgets AS budget (key, full_at)
    SELECT key, full_after_one FROM wanted WHERE NOT EXISTS (SELECT FROM empty) ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET full_at = greatest(budget.full_at, now()) + (excluded.full_at - now()), is_refusing = false
    WHERE budget.full_at <= (SELECT latest_full_at FROM wanted WHERE wanted.key = excluded.key)
    RETURNING key
  )`;
export const areTaken = Prisma.sql`NOT EXISTS (SELECT FROM wanted WHERE key NOT IN (SELECT key FROM taken))`;
export const takenColumns = Prisma.sql`key, empty.key IS NOT NULL AS "isEmpty", taken.key IS NOT NULL AS "isTaken"`;
export const takenTable = Prisma.sql`wanted LEFT JOIN empty USING (key) LEFT JOIN taken USING (key)`;

/** What such a statement has taken of the budgets, by its rows. */
export function takenOf(budgets: readonly AttemptBudget[], rows: readonly TakenRow[]): Taken {
  const counted = budgets.map(({ limit, key }, n) => ({ limit, key, ...rows[n] }));
  return {
    taken: counted.filter(({ isTaken }) => isTaken),
    refused: counted.find(({ isEmpty }) => isEmpty) ?? counted.find(({ isTaken }) => !isTaken),
  };
}

/** What `takeTogetherClauses` has found of a budget. */
export interface TriedRow {
  /** Whether it had no try left before. */
  isEmpty: boolean;
  isTaken: boolean;
}

/**
 * The CTEs that use up tries of several who come at once, each with one budget: all that are asked for of one, or none of
 * it. Its rows are by `key`:
 *
 *     WITH ${takeTogetherClauses(budgets)}, claimed AS (UPDATE ... FROM asking JOIN taken USING (key) ...)
 *     SELECT ${triedColumns}, claimed.* FROM asking JOIN ${triedTable} USING (key) LEFT JOIN claimed ...
 */
export function takeTogetherClauses(budgets: readonly AttemptBudget[]): Prisma.Sql {
  const counted = new Map<string, { budget: AttemptBudget; tries: number }>();
  for (const budget of budgets) {
    const id = Buffer.from(budget.key).toString('base64');
    counted.set(id, { budget, tries: (counted.get(id)?.tries ?? 0) + 1 });
  }
  const wanted = [...counted.values()];
  return Prisma.sql`
    wanted AS MATERIALIZED (
      SELECT key, now() + tries * pause * ${MILLISECOND} AS full_after_all,
        now() + tolerance * ${MILLISECOND} AS latest_full_at,
        now() + (tolerance - (tries - 1) * pause) * ${MILLISECOND} AS latest_full_at_of_all
      FROM unnest(
        ${wanted.map(({ budget }) => budget.key)}::bytea[],
        ${wanted.map(({ tries }) => tries)}::integer[],
        ${wanted.map(({ budget }) => pauseOf(budget.limit))}::bigint[],
        ${wanted.map(({ budget }) => toleranceOf(budget.limit))}::bigint[]
      ) AS budget (key, tries, pause, tolerance)
    ),
    taken AS (
      INSERT INTO attempt_budgets AS budget (key, full_at)
      SELECT key, full_after_all FROM wanted WHERE latest_full_at_of_all >= now() ORDER BY key
      ON CONFLICT (key) DO UPDATE
      SET full_at = greatest(budget.full_at, now()) + (excluded.full_at - now()), is_refusing = false
      WHERE budget.full_at <= (SELECT latest_full_at_of_all FROM wanted WHERE wanted.key = excluded.key)
      RETURNING key
    )`;
}
export const triedColumns = Prisma.sql`
  taken.key IS NOT NULL AS "isTaken", coalesce(before.full_at > latest_full_at, false) AS "isEmpty"`;
export const triedTable = Prisma.sql`
  wanted LEFT JOIN taken USING (key) LEFT JOIN attempt_budgets AS before USING (key)`;

/** What is given back, and the place that becomes familiar, if any: that is written once a day at most. */
export interface Settlement {
  returns: readonly Return[];
  place?: HashedKey | undefined;
}

/**
 * The CTEs that write a settlement, for a statement that writes something else with it, where `once` has its one row:
 *
 *     WITH owner AS (...), ${settlementClauses(given, sql`owner`)} SELECT ...
 */
export const settlementClauses = (given: Given<Settlement>, once: Prisma.Sql): Prisma.Sql => Prisma.sql`
  returned AS MATERIALIZED (
    SELECT key, pauses * ${MILLISECOND} AS pauses
    FROM ${once}, unnest(
      ${given(({ returns }) => returns.map(({ budget }) => budget.key))}::bytea[],
      ${given(({ returns }) => returns.map(({ budget, tries }) => pauseOf(budget.limit) * tries))}::integer[]
    ) AS returned (key, pauses) JOIN attempt_budgets AS budget USING (key)
    ORDER BY key FOR UPDATE OF budget
  ),
  welcomed AS (
    INSERT INTO familiar_addresses AS familiar (key, expires_at)
    SELECT place, now() + ${FAMILIARITY} FROM ${once}, unnest(${given(({ place }) => (place ? [place] : []))}::bytea[]) AS place
    ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at
    WHERE familiar.expires_at < excluded.expires_at - interval '1 day'
  ),
  given_back AS (
    UPDATE attempt_budgets AS budget SET full_at = greatest(budget.full_at - returned.pauses, now())
    FROM returned WHERE budget.key = returned.key
  )`;

const take = fixedStatement<readonly AttemptBudget[]>(
  (given) => Prisma.sql`WITH ${takeClauses(given)} SELECT ${takenColumns} FROM ${takenTable} ORDER BY turn`,
);
const settle = fixedStatement<Settlement>(
  (given) => Prisma.sql`WITH ${ASYNC_COMMIT}, ${settlementClauses(given, Prisma.sql`async_commit`)} SELECT`,
);

/**
 * What is used up of each limit, for all processes of the service. A row holds one moment, at which all tries will be
 * back (the generic cell rate algorithm). A try moves it on by a pause, and is left as long as the moment is not beyond
 * the limit's tolerance. The database's clock alone counts. (rate-limiter-flexible has fixed windows, its processes' own
 * clocks, and counts refused tries, too.)
 *
 * Each method is one statement, and locks rows in the order of their keys: none waits for another in a circle.
 */
export class AttemptBudgetRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  /**
   * Uses up a try of each, and none where one is seen to have none left. The rows' locks decide between those that come
   * at once: what such a one has taken then is to be given back. The same rows are written for whoever asks, so that the
   * time it takes doesn't tell.
   */
  async take(budgets: readonly AttemptBudget[]): Promise<Taken> {
    const rows = await this.#database.$write<TakenRow>(take(budgets));
    return takenOf(budgets, rows);
  }

  /** Gives tries back, and makes the place familiar where there is one. */
  async giveBack(returns: readonly Return[], place?: HashedKey): Promise<void> {
    await this.#database.$write(settle({ returns, place }));
  }

  /**
   * Notes that a budget had no try left. Answers the seconds until it has one, and whether it is the first refusal since
   * a try was used up.
   */
  async refuse({ key, limit }: AttemptBudget): Promise<{ retryAfterSeconds: number; isFirst: boolean }> {
    const [row] = await this.#database.$write<{ seconds: number; isFirst: boolean }>(Prisma.sql`
      WITH ${ASYNC_COMMIT},
      first AS (
        UPDATE attempt_budgets SET is_refusing = true FROM async_commit WHERE key = ${key} AND NOT is_refusing
        RETURNING key
      )
      SELECT ceil(extract(epoch FROM full_at - now() - ${toleranceOf(limit)} * ${MILLISECOND}))::integer AS seconds,
        EXISTS (SELECT FROM first) AS "isFirst"
      FROM attempt_budgets WHERE key = ${key}`);
    return { retryAfterSeconds: Math.max(1, row?.seconds ?? 1), isFirst: row?.isFirst ?? false };
  }

  async makeFamiliar(place: HashedKey): Promise<void> {
    await this.giveBack([], place);
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
