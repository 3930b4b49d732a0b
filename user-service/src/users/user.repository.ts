import type { AuditEntry, EventDraft, ResourceView } from '@shop/common/contracts';
import {
  auditClause,
  columnsOf,
  fixedStatement,
  isUniqueViolation,
  outboxInsert,
  readJsonRows,
  readJsonSlice,
  readView,
  selectColumns,
  selectJson,
  type AtomicStore,
  type JsonRow,
  type TransactionOf,
} from '@shop/common/database';
import type { JsonRows, JsonSlice, PageRequest } from '@shop/common/paging';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { NewSession } from '../sessions/session.js';
import type { AttemptBudget } from '../throttling/attempt-limit.js';
import {
  areTaken,
  takeClauses,
  takenColumns,
  takenOf,
  takenTable,
  type Taken,
  type TakenRow,
} from '../throttling/attempt-budget.repository.js';
import { storedForms } from './email-forms.js';
import { userJson } from './user.reads.js';
import { AccessRevoked, EmailTaken, LastAdmin, UserChangedMeanwhile } from './user.errors.js';
import { isActiveAdmin, losesAdmin, type AccessEnd, type Role, type User, type UserChange } from './user.js';

export interface UserFilter {
  /** The one user that the caller may see; unset: all. */
  visibleId?: string;
  ids?: readonly string[];
  role?: Role | undefined;
  isActive?: boolean | undefined;
  emailPrefix?: string | undefined;
}

/** What describes a change. */
interface Announcement {
  events: readonly EventDraft[];
  audit: readonly AuditEntry[];
}

/** LIKE's wildcards as plain characters. */
const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** Only the conditions that are asked for: one that may be none has no index. So there are several texts, but few. */
const conditionsOf = ({ visibleId, ids, role, isActive, emailPrefix }: UserFilter): Prisma.Sql[] => [
  Prisma.sql`deleted_at IS NULL`,
  ...(visibleId === undefined ? [] : [Prisma.sql`id = ${visibleId}::uuid`]),
  ...(ids === undefined ? [] : [Prisma.sql`id = ANY(${[...ids]}::uuid[])`]),
  ...(role === undefined ? [] : [Prisma.sql`role = ${role}::user_role`]),
  ...(isActive === undefined ? [] : [Prisma.sql`is_active = ${isActive}`]),
  ...(emailPrefix === undefined ? [] : [startsWith(emailPrefix)]),
];

const startsWith = (prefix: string): Prisma.Sql => {
  const forms = storedForms(prefix).map((form) => Prisma.sql`email LIKE ${`${escapeLike(form)}%`}`);
  return Prisma.sql`(${Prisma.join(forms, ' OR ')})`;
};

const columns = columnsOf<User>()(Prisma.UserScalarFieldEnum, { table: 'users' });
export const userColumns = selectColumns(columns);

export const userRow = selectJson(columns);
export interface UserRow {
  json: JsonRow<User>;
}
export const toUser = ({ json }: UserRow): User => ({
  ...json,
  createdAt: new Date(json.createdAt),
  updatedAt: new Date(json.updatedAt),
  deletedAt: json.deletedAt === null ? null : new Date(json.deletedAt),
});

const table = Prisma.sql`users`;
const viewOfId = `SELECT ${userJson.text}::text AS json, version FROM users WHERE id = $1::uuid AND deleted_at IS NULL`;

export class UserRepository {
  readonly #database: Database;
  readonly #store: AtomicStore<Database>;

  constructor({ database, store }: { database: Database; store: AtomicStore<Database> }) {
    this.#database = database;
    this.#store = store;
  }

  async find(id: string): Promise<User | undefined> {
    const [row] = await this.#database.$lookup<UserRow>(Prisma.sql`
      SELECT ${userRow} FROM users WHERE id = ${id}::uuid AND deleted_at IS NULL`);
    return row && toUser(row);
  }

  /** One at most, but for an address that was registered in both of its forms when each was taken for another. */
  async findByEmail(email: string): Promise<readonly User[]> {
    const rows = await this.#database.$read<UserRow>(Prisma.sql`
      SELECT ${userRow} FROM users WHERE ${isAddress(email)} AND deleted_at IS NULL ORDER BY created_at`);
    return rows.map(toUser);
  }

  /** Likewise, where each budget has a try left, which is used up. */
  async findForLogin(
    email: string,
    budgets: readonly AttemptBudget[],
  ): Promise<{ tries: Taken; candidates: readonly User[] }> {
    const rows = await this.#database.$write<TakenRow & { candidates: UserRow['json'][] | null }>(
      findForLogin({ email, budgets }),
    );
    const candidates = rows[0]?.candidates ?? [];
    return { tries: takenOf(budgets, rows), candidates: candidates.map((json) => toUser({ json })) };
  }

  findView(id: string): Promise<ResourceView | undefined> {
    return readView(this.#database, { text: viewOfId, values: [id] });
  }

  /** All users of a filter that names their ids, newest first. */
  listAll(filter: UserFilter & { ids: readonly string[] }): Promise<JsonRows> {
    const source = { json: userJson, table, conditions: conditionsOf(filter) };
    return readJsonRows(this.#database, source, filter.ids.length);
  }

  list(filter: UserFilter, request: PageRequest): Promise<JsonSlice> {
    const conditions = conditionsOf(filter);
    const isIndexed = conditions.length === 1; // all that are not deleted
    return readJsonSlice(this.#database, { json: userJson, table, conditions, isIndexed }, request);
  }

  /** A new user, and its first login if there is one. Throws EmailTaken. */
  async add(
    user: User,
    { events, audit, session }: Announcement & { session?: NewSession | undefined },
  ): Promise<void> {
    try {
      await this.#store.save(async (transaction) => {
        if (await isTakenInOldForm(transaction, user.email)) throw new EmailTaken();
        await transaction.user.create({ data: user });
        if (session) await insertSession(transaction, user.id, session);
        return { value: undefined, events, audit };
      });
    } catch (error) {
      throw isUniqueViolation(error, 'users_email_key') ? new EmailTaken() : error;
    }
  }

  /** Whether anybody has this address, or had it and was deleted. */
  async wasEmailEverUsed(email: string): Promise<boolean> {
    const [answer] = await this.#database.$queryRaw<{ isUsed: boolean }[]>`
      SELECT ${wasUsed(email)} AS "isUsed"`;
    return answer?.isUsed === true;
  }

  /** Replaces the hash of a password by another of the same password. */
  async renewHash({ id, passwordHash: outdated }: User, passwordHash: string): Promise<void> {
    await this.#database.user.updateMany({ where: { id, passwordHash: outdated }, data: { passwordHash } });
  }

  /** Adds a user unless its address was ever used; of several that try at once one does. */
  async addUnlessEmailWasEverUsed(user: User, { events, audit }: Announcement): Promise<boolean> {
    const saved = await this.#store.saveInOneStatement(Prisma.sql`
      WITH saved AS (
        INSERT INTO users (id, email, password_hash, first_name, last_name, role, is_active, created_at, updated_at)
        SELECT ${user.id}::uuid, ${user.email}, ${user.passwordHash}, ${user.firstName}, ${user.lastName},
          ${user.role}::user_role, ${user.isActive}, ${user.createdAt}::timestamptz, ${user.updatedAt}::timestamptz
        WHERE NOT ${wasUsed(user.email)}
        ON CONFLICT DO NOTHING
        RETURNING id
      ), published AS (${outboxInsert(events, { onlyIf: Prisma.sql`SELECT FROM saved` })})
      ${auditClause(audit)} SELECT id FROM saved`);
    return saved.length > 0;
  }

  /**
   * Saves a change if the user still is as it was read, and `actor` as its token says; ends the logins that it ends, and
   * starts `session`. Throws AccessRevoked, LastAdmin, UserChangedMeanwhile.
   */
  async save(
    change: UserChange,
    {
      events,
      audit,
      actor,
      session,
    }: Announcement & { actor?: TokenBearer | undefined; session?: NewSession | undefined },
  ): Promise<void> {
    await this.#store.save(async (transaction) => {
      const users = await lockConcerned(transaction, change, actor);
      if (actor !== undefined && !users.some((user) => isStill(user, actor))) throw new AccessRevoked();
      if (losesAdmin(change) && users.filter(isActiveAdmin).every(({ id }) => id === change.before.id)) {
        throw new LastAdmin();
      }
      if (!(await updateUser(transaction, change))) throw new UserChangedMeanwhile();
      await endSessions(transaction, change);
      if (session) await insertSession(transaction, change.after.id, session);
      return { value: undefined, events, audit };
    });
  }
}

type Transaction = TransactionOf<Database>;

/** Whether a row has this address, in whichever form. The index is on lower(email). */
const isAddress = (email: string): Prisma.Sql => isOneOf(storedForms(email));
const isOneOf = (forms: readonly string[] | symbol): Prisma.Sql => Prisma.sql`lower(email) = ANY(${forms})`;

const findForLogin = fixedStatement<{ email: string; budgets: readonly AttemptBudget[] }>(
  (given) => Prisma.sql`
    WITH ${takeClauses((read) => given(({ budgets }) => read(budgets)))}
    SELECT ${takenColumns}, CASE WHEN turn = 1 THEN (
      SELECT json_agg(json ORDER BY created_at)
      FROM (
        SELECT ${userRow}, created_at FROM users
        WHERE ${isOneOf(given(({ email }) => storedForms(email)))} AND deleted_at IS NULL AND ${areTaken}
      ) AS found
    ) END AS candidates
    FROM ${takenTable} ORDER BY turn`,
);

/** Of anonymised users the addresses of former admins are still known, by their hash. */
const wasUsed = (email: string): Prisma.Sql => Prisma.sql`(
  EXISTS (SELECT FROM users WHERE ${isAddress(email)})
  OR EXISTS (
    SELECT FROM anonymised_users
    WHERE email_hash IN (SELECT sha256(convert_to(form, 'UTF8')) FROM unnest(${storedForms(email)}::text[]) AS form)
  )
)`;

/** No nested create: once the transaction's time is over, Prisma sends what is left of one outside of it. */
async function insertSession(
  transaction: Transaction,
  userId: string,
  { id, createdAt, expiresAt, refreshToken }: NewSession,
): Promise<void> {
  await transaction.session.create({ data: { id, userId, createdAt, expiresAt } });
  await transaction.refreshToken.create({ data: { ...refreshToken, sessionId: id, createdAt } });
}

/** The unique index knows the canonical form alone; no other is written any more, so none can come in between. */
async function isTakenInOldForm(transaction: Transaction, email: string): Promise<boolean> {
  if (storedForms(email).length === 1) return false;
  const users = await transaction.$queryRaw<unknown[]>`
    SELECT FROM users WHERE ${isAddress(email)} AND deleted_at IS NULL LIMIT 1`;
  return users.length > 0;
}

/** Who asks for a change, by its access token. That may be revoked already where the news hasn't arrived. */
export type TokenBearer = Pick<User, 'id' | 'role' | 'tokenVersion'>;

const isStill = (user: User, { id, role, tokenVersion }: TokenBearer): boolean =>
  user.id === id &&
  user.role === role &&
  user.tokenVersion === tokenVersion &&
  user.isActive &&
  user.deletedAt === null;

/**
 * The user and the actor as they are now and, where an admin goes, all active admins. All locked, in one order: of two
 * admins that take each other's role, or two changes that each take one of the last two, the second one sees it.
 */
async function lockConcerned(
  transaction: Transaction,
  change: UserChange,
  actor: TokenBearer | undefined,
): Promise<User[]> {
  const ids = Prisma.join([change.before.id, actor?.id ?? change.before.id].map((id) => Prisma.sql`${id}::uuid`));
  const orAdmins = losesAdmin(change)
    ? Prisma.sql`OR (role = 'admin' AND is_active AND deleted_at IS NULL)`
    : Prisma.empty;
  return transaction.$queryRaw<User[]>`
    SELECT ${userColumns} FROM users WHERE id IN (${ids}) ${orAdmins} ORDER BY id FOR NO KEY UPDATE`;
}

async function updateUser(transaction: Transaction, { before, after }: UserChange): Promise<boolean> {
  const { id: _id, email: _email, createdAt: _createdAt, ...data } = after;
  const { count } = await transaction.user.updateMany({ where: { id: before.id, version: before.version }, data });
  return count === 1;
}

/** A new role needs new access tokens, which the login's refresh token brings; all else ends the login itself. */
const endsSessions = (accessEnd: AccessEnd | undefined): accessEnd is Exclude<AccessEnd, 'role_changed'> =>
  accessEnd !== undefined && accessEnd !== 'role_changed';

async function endSessions(transaction: Transaction, { after, accessEnd }: UserChange): Promise<void> {
  if (!endsSessions(accessEnd)) return;
  await transaction.session.updateMany({
    where: { userId: after.id, endedAt: null },
    data: { endedAt: after.updatedAt, endReason: accessEnd },
  });
}
