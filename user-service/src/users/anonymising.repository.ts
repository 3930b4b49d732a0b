import type { AtomicStore } from '@shop/common/database';
import type { Database } from '../database.js';
import { Prisma } from '../generated/prisma/client.js';
import { storedForms } from './email-forms.js';
import { anonymised } from './user.audit.js';
import { userAnonymised } from './user.events.js';

/** Of the form of a hash, and of no password: what is left of an anonymised user's. An index has it, too. */
const NO_PASSWORD = Prisma.raw(`'$2b$04$${'.'.repeat(53)}'`);

/** Deleted users whose time is over become nobody. */
export class AnonymisingRepository {
  readonly #store: AtomicStore<Database>;
  readonly #adminEmails: readonly string[];

  /** `adminEmail`: an address that no admin may be made with again once its user is deleted, whoever it was in the end. */
  constructor({ store, adminEmail }: { store: AtomicStore<Database>; adminEmail: string | undefined }) {
    this.#store = store;
    this.#adminEmails = adminEmail === undefined ? [] : storedForms(adminEmail);
  }

  /** Anonymises up to `limit` users that were deleted by then; says how many. */
  async anonymise({ deletedBy, limit }: { deletedBy: Date; limit: number }): Promise<number> {
    const result = await this.#store.save(async (transaction) => {
      const due = await transaction.$queryRaw<{ id: string }[]>`
        SELECT id FROM users
        WHERE deleted_at IS NOT NULL AND password_hash <> ${NO_PASSWORD} AND deleted_at <= ${deletedBy}::timestamptz
        ORDER BY deleted_at LIMIT ${limit}::integer FOR NO KEY UPDATE SKIP LOCKED`;
      if (due.length === 0) return { value: 0, events: [] };
      const ids = due.map(({ id }) => id);
      await transaction.$executeRaw`
        INSERT INTO anonymised_users (user_id, email_hash)
        SELECT id, CASE WHEN role = 'admin' OR lower(email) = ANY(${this.#adminEmails}::text[])
          THEN sha256(convert_to(lower(email), 'UTF8')) END
        FROM users WHERE id = ANY(${ids}::uuid[])`;
      const users = await transaction.$queryRaw<{ id: string; version: number }[]>`
        UPDATE users
        SET email = id || '@anonymised.invalid', first_name = 'Anonymised', last_name = 'User',
            password_hash = ${NO_PASSWORD}, version = version + 1
        WHERE id = ANY(${ids}::uuid[])
        RETURNING id, version`;
      return { value: users.length, events: users.map(userAnonymised), audit: users.map(anonymised) };
    });
    if (result.outcome !== 'saved') throw new Error('it has no cause that could have been handled before');
    return result.value;
  }
}
