import type { AuditEntry, EventDraft } from '@shop/common/contracts';
import { auditClause, auditInsert, outboxInsert, type AtomicStore } from '@shop/common/database';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { User } from '../users/user.js';
import type { AttemptBudget } from '../throttling/attempt-limit.js';
import {
  areTaken,
  settlementClauses,
  takeClauses,
  takenColumns,
  takenOf,
  takenTable,
  type Settlement,
  type Taken,
  type TakenRow,
} from '../throttling/attempt-budget.repository.js';
import { userColumns } from '../users/user.repository.js';
import { idleUntil, MAX_LIVE_SESSIONS, type LiveSession, type NewSession, type PresentedToken } from './session.js';

/** Logins that one more ends at most. */
const SURPLUS_BATCH = 10;

export interface ClaimedToken {
  sessionId: string;
  user: User;
}

export class SessionRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;

  constructor({ database, store }: { database: Database; store: AtomicStore<Database> }) {
    this.#database = database;
    this.#store = store;
  }

  /**
   * Starts a login of a user whose password has just been checked, and answers the user as it is now; undefined if it
   * got another password, was deactivated or deleted meanwhile. Its lock makes such a change wait, and end this login.
   * `surplus`: the user's oldest logins, where it has more than it may. `settlement`: of the tries that the login took.
   */
  async start(
    user: User,
    session: NewSession,
    { audit, settlement }: { audit: AuditEntry; settlement: Settlement },
  ): Promise<{ user: User; surplus: readonly string[] } | undefined> {
    const { id, createdAt, expiresAt, refreshToken } = session;
    const [started] = await this.#database.$write<User & { surplus: string[] }>(Prisma.sql`
      WITH owner AS (
        SELECT ${userColumns} FROM users
        WHERE id = ${user.id}::uuid AND password_hash = ${user.passwordHash} AND is_active AND deleted_at IS NULL
        FOR SHARE
      ), session AS (
        INSERT INTO sessions (id, user_id, created_at, expires_at)
        SELECT ${id}::uuid, owner.id, ${createdAt}::timestamptz, ${expiresAt}::timestamptz FROM owner
      ), token AS (
        INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
        SELECT ${refreshToken.hash}, ${id}::uuid, ${createdAt}::timestamptz, ${refreshToken.expiresAt}::timestamptz
        FROM owner
      ), ${settlementClauses(settlement, Prisma.sql`owner`)},
      audited AS (${auditInsert([audit], { onlyIf: Prisma.sql`SELECT FROM owner` })})
      SELECT *, ARRAY(
        SELECT sessions.id::text FROM sessions
        WHERE user_id = owner.id AND ended_at IS NULL AND expires_at > ${createdAt}::timestamptz
        ORDER BY created_at DESC, id DESC LIMIT ${SURPLUS_BATCH}::integer OFFSET ${MAX_LIVE_SESSIONS - 1}::integer
      ) AS surplus
      FROM owner`);
    if (started === undefined) return undefined;
    const { surplus, ...owner } = started;
    return { user: owner, surplus };
  }

  /** Replaces a refresh token by its successor, if nobody else has, its login goes on and each budget has a try left. */
  async replace(
    { hash, successorHash }: { hash: Uint8Array; successorHash: Uint8Array },
    { now, budgets }: { now: Date; budgets: readonly AttemptBudget[] },
  ): Promise<{ tries: Taken; claimed: ClaimedToken | undefined }> {
    type Row = TakenRow & ((User & { sessionId: string }) | { sessionId: null });
    const rows = await this.#database.$write<Row>(Prisma.sql`
      WITH ${takeClauses(budgets)}, claimed AS (
        UPDATE refresh_tokens AS token SET replaced_at = ${now}::timestamptz
        FROM sessions JOIN users ON users.id = sessions.user_id
        WHERE token.hash = ${hash} AND token.replaced_at IS NULL AND token.expires_at > ${now}::timestamptz
          AND sessions.id = token.session_id AND sessions.ended_at IS NULL AND sessions.expires_at > ${now}::timestamptz
          AND users.is_active AND users.deleted_at IS NULL AND ${areTaken}
        RETURNING ${userColumns}, sessions.id AS "sessionId", sessions.expires_at AS "sessionExpiresAt"
      ), successor AS (
        INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
        SELECT ${successorHash}, "sessionId", ${now}::timestamptz, LEAST(${idleUntil(now)}::timestamptz, "sessionExpiresAt")
        FROM claimed
      )
      SELECT ${takenColumns}, claimed.* FROM ${takenTable} LEFT JOIN claimed ON true ORDER BY turn`);
    const tries = takenOf(budgets, rows);
    const [row] = rows;
    return { tries, claimed: row?.sessionId == null ? undefined : { sessionId: row.sessionId, user: row } };
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
