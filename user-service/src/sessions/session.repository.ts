import type { AuditEntry, EventDraft } from '@shop/common/contracts';
import {
  auditClause,
  fixedStatement,
  givenAuditInsert,
  GroupedWrites,
  outboxInsert,
  type AtomicStore,
} from '@shop/common/database';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { User } from '../users/user.js';
import type { AttemptBudget } from '../throttling/attempt-limit.js';
import {
  settlementClauses,
  takeTogetherClauses,
  triedColumns,
  triedTable,
  type Settlement,
  type Taken,
  type TriedRow,
} from '../throttling/attempt-budget.repository.js';
import { toUser, userColumns, userRow, type UserRow } from '../users/user.repository.js';
import { idleUntil, MAX_LIVE_SESSIONS, type LiveSession, type NewSession, type PresentedToken } from './session.js';

/** Logins that one more ends at most. */
const SURPLUS_BATCH = 10;

export interface ClaimedToken {
  sessionId: string;
  user: User;
}

/** A refresh token that is presented, its successor, and of what a try is used up. */
interface Replacement {
  readonly hash: Uint8Array;
  readonly successorHash: Uint8Array;
  readonly now: Date;
  readonly budget: AttemptBudget;
}

interface Replaced {
  readonly tries: Taken;
  readonly claimed: ClaimedToken | undefined;
}

type ReplacedRow = (UserRow & { sessionId: string }) | { json: null; sessionId: null };

interface LoginToStart {
  readonly user: User;
  readonly session: NewSession;
  readonly audit: AuditEntry;
  /** Of the tries that it took. */
  readonly settlement: Settlement;
}

interface StartedRow {
  /** The user, where it isn't any more as it was read. */
  changed: UserRow['json'] | null;
  surplus: string[];
}

const startLogin = fixedStatement<LoginToStart>((given) => {
  const id = given(({ session }) => session.id);
  const createdAt = given(({ session }) => session.createdAt);
  return Prisma.sql`
    WITH owner AS (
      SELECT id, version, ${userRow} FROM users
      WHERE id = ${given(({ user }) => user.id)}::uuid AND password_hash = ${given(({ user }) => user.passwordHash)}
        AND is_active AND deleted_at IS NULL
      FOR SHARE
    ), session AS (
      INSERT INTO sessions (id, user_id, created_at, expires_at)
      SELECT ${id}::uuid, owner.id, ${createdAt}::timestamptz, ${given(({ session }) => session.expiresAt)}::timestamptz
      FROM owner
    ), token AS (
      INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
      SELECT ${given(({ session }) => session.refreshToken.hash)}, ${id}::uuid, ${createdAt}::timestamptz,
        ${given(({ session }) => session.refreshToken.expiresAt)}::timestamptz
      FROM owner
    ), ${settlementClauses((read) => given(({ settlement }) => read(settlement)), Prisma.sql`owner`)},
    audited AS (
      ${givenAuditInsert((read) => given(({ audit }) => read([audit])), { onlyIf: Prisma.sql`SELECT FROM owner` })}
    )
    SELECT CASE WHEN version <> ${given(({ user }) => user.version)}::integer THEN json END AS changed, ARRAY(
      SELECT sessions.id::text FROM sessions
      WHERE user_id = owner.id AND ended_at IS NULL AND expires_at > ${createdAt}::timestamptz
      ORDER BY created_at DESC, id DESC LIMIT ${SURPLUS_BATCH}::integer OFFSET ${MAX_LIVE_SESSIONS - 1}::integer
    ) AS surplus
    FROM owner`;
});

export class SessionRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;
  readonly #replacements = new GroupedWrites<Replacement, Replaced | undefined>({
    write: (replacements) => this.#replace(replacements),
    keyOf: ({ hash }) => Buffer.from(hash).toString('base64'),
  });

  constructor({ database, store }: { database: Database; store: AtomicStore<Database> }) {
    this.#database = database;
    this.#store = store;
  }

  /**
   * Starts a login of a user whose password has just been checked, and answers the user as it is now; undefined if it
   * got another password, was deactivated or deleted meanwhile. Its lock makes such a change wait, and end this login.
   * `surplus`: the user's oldest logins, where it has more than it may.
   */
  async start(login: LoginToStart): Promise<{ user: User; surplus: readonly string[] } | undefined> {
    const [started] = await this.#database.$write<StartedRow>(startLogin(login));
    if (started === undefined) return undefined;
    const { changed, surplus } = started;
    return { user: changed === null ? login.user : toUser({ json: changed }), surplus };
  }

  /** Replaces a refresh token by its successor, if nobody else has, its login goes on and its budget has a try left. */
  async replace(replacement: Replacement): Promise<Replaced> {
    const replaced = (await this.#replacements.add(replacement)) ?? (await this.#replace([replacement]))[0];
    if (replaced === undefined) throw new Error('a replacement by itself has no outcome');
    return replaced;
  }

  /** undefined where tries are left of its budget, but not for all who share it. */
  async #replace(replacements: readonly Replacement[]): Promise<(Replaced | undefined)[]> {
    const rows = await this.#database.$write<TriedRow & ReplacedRow>(Prisma.sql`
      WITH presented AS MATERIALIZED (
        SELECT * FROM unnest(
          ${replacements.map(({ hash }) => hash)}::bytea[],
          ${replacements.map(({ successorHash }) => successorHash)}::bytea[],
          ${replacements.map(({ budget }) => budget.key)}::bytea[],
          ${replacements.map(({ now }) => now)}::timestamptz[],
          ${replacements.map(({ now }) => idleUntil(now))}::timestamptz[]
        ) WITH ORDINALITY AS presented (hash, successor_hash, key, now, idle_until, place)
      ), ${takeTogetherClauses(replacements.map(({ budget }) => budget))}, claimed AS (
        UPDATE refresh_tokens AS token SET replaced_at = presented.now
        FROM presented JOIN taken USING (key), sessions JOIN users ON users.id = sessions.user_id
        WHERE token.hash = presented.hash AND token.replaced_at IS NULL AND token.expires_at > presented.now
          AND sessions.id = token.session_id AND sessions.ended_at IS NULL AND sessions.expires_at > presented.now
          AND users.is_active AND users.deleted_at IS NULL
        RETURNING ${userRow}, sessions.id AS "sessionId", sessions.expires_at AS session_expires_at,
          presented.place AS claimed_place
      ), successor AS (
        INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
        SELECT successor_hash, "sessionId", now, LEAST(idle_until, session_expires_at)
        FROM claimed JOIN presented ON place = claimed_place
      )
      SELECT ${triedColumns}, json, "sessionId"
      FROM presented JOIN ${triedTable} USING (key) LEFT JOIN claimed ON claimed_place = place ORDER BY place`);
    return replacements.map(({ budget }, n) => {
      const row = rows[n];
      if (row === undefined) throw new Error('a token without its row');
      const { isTaken, isEmpty, sessionId, json } = row;
      if (!isTaken && !isEmpty && replacements.length > 1) return undefined;
      const tries = isTaken ? { taken: [budget], refused: undefined } : { taken: [], refused: budget };
      return { tries, claimed: sessionId === null ? undefined : { sessionId, user: toUser({ json }) } };
    });
  }

  /** A refresh token in whatever state, with its login and user. */
  async findToken(hash: Uint8Array): Promise<PresentedToken | undefined> {
    const [found] = await this.#database.$lookup<User & Omit<PresentedToken, 'user'>>(Prisma.sql`
      SELECT ${userColumns}, sessions.id AS "sessionId", sessions.expires_at AS "sessionExpiresAt",
        sessions.ended_at AS "sessionEndedAt", token.replaced_at AS "replacedAt"
      FROM refresh_tokens AS token
      JOIN sessions ON sessions.id = token.session_id
      JOIN users ON users.id = sessions.user_id
      WHERE token.hash = ${hash}`);
    if (found === undefined) return undefined;
    const { sessionId, sessionExpiresAt, sessionEndedAt, replacedAt, ...user } = found;
    return { sessionId, sessionExpiresAt, sessionEndedAt, replacedAt, user };
  }

  /** A user's logins that go on, newest first. */
  async listLive(userId: string, now: Date): Promise<readonly LiveSession[]> {
    return this.#database.session.findMany({
      where: { userId, endedAt: null, expiresAt: { gt: now } },
      select: { id: true, createdAt: true, expiresAt: true },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: MAX_LIVE_SESSIONS,
    });
  }

  /** Ends a login and publishes that, once. */
  async end(
    sessionId: string,
    {
      reason,
      at,
      events,
      audit,
    }: { reason: 'logout' | 'reuse'; at: Date; events: readonly EventDraft[]; audit: readonly AuditEntry[] },
  ): Promise<void> {
    await this.#store.saveInOneStatement(Prisma.sql`
      WITH saved AS (
        UPDATE sessions SET ended_at = ${at}::timestamptz, end_reason = ${reason}::session_end
        WHERE id = ${sessionId}::uuid AND ended_at IS NULL
        RETURNING id
      ), published AS (${outboxInsert(events, { onlyIf: Prisma.sql`SELECT FROM saved` })})
      ${auditClause(audit)} SELECT id FROM saved`);
  }

  /**
   * Deletes up to `limit` refresh tokens of logins that were over before then, or else up to `limit` of those logins.
   * True: there may be more of them.
   */
  async purge({ overBefore, limit }: { overBefore: Date; limit: number }): Promise<boolean> {
    // First the tokens, by themselves: one login may have had any number of them.
    const tokens = await this.#database.$executeRaw`
      WITH dead AS MATERIALIZED (
        SELECT token.hash FROM sessions JOIN refresh_tokens AS token ON token.session_id = sessions.id
        WHERE LEAST(sessions.ended_at, sessions.expires_at) < ${overBefore}::timestamptz
        ORDER BY LEAST(sessions.ended_at, sessions.expires_at) LIMIT ${limit}::integer FOR UPDATE OF token SKIP LOCKED
      )
      DELETE FROM refresh_tokens AS token USING dead WHERE token.hash = dead.hash`;
    const sessions = await this.#database.$executeRaw`
      WITH dead AS MATERIALIZED (
        SELECT id FROM sessions
        WHERE LEAST(ended_at, expires_at) < ${overBefore}::timestamptz
          AND NOT EXISTS (SELECT FROM refresh_tokens WHERE session_id = sessions.id)
        ORDER BY LEAST(ended_at, expires_at) LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED
      )
      DELETE FROM sessions USING dead WHERE sessions.id = dead.id`;
    return tokens === limit || sessions === limit;
  }
}
