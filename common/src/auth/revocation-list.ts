import { LRUCache } from 'lru-cache';

/** What `user.access_revoked` says: tokens of a user below a version, or those of one login, are refused. */
export interface Revocation {
  userId: string;
  minimumVersion?: number | undefined;
  sid?: string | undefined;
}

/** Far above what a lifetime of tokens brings; past it the oldest revocations go first. */
const MAX_ENTRIES = 1_000_000;

/**
 * A token that a revocation concerns may be issued a little after it: by a clock that is ahead, or because its user was
 * read before. In milliseconds, and far more than either takes.
 */
export const REVOCATION_MARGIN = 60_000;

/**
 * The access tokens that no longer count, although they haven't expired. An entry is kept for as long as a token lives, and
 * a minute: after that no token that it could concern is left.
 */
export class RevocationList {
  /** For how many milliseconds a token may live at most. */
  readonly lifetime: number;
  readonly #minimumVersions: LRUCache<string, number>;
  readonly #sessions: LRUCache<string, true>;

  constructor({ lifetime }: { lifetime: number }) {
    this.lifetime = lifetime;
    // With `max`, lru-cache would take the memory of so many entries at once: 44 MB for each of the two.
    const bounds = { maxSize: MAX_ENTRIES, sizeCalculation: () => 1, ttl: lifetime + REVOCATION_MARGIN };
    this.#minimumVersions = new LRUCache(bounds);
    this.#sessions = new LRUCache(bounds);
  }

  add({ userId, minimumVersion, sid }: Revocation): void {
    if (sid !== undefined) this.#sessions.set(sid, true);
    if (minimumVersion === undefined) return;
    const known = this.#minimumVersions.get(userId) ?? 0;
    if (minimumVersion > known) this.#minimumVersions.set(userId, minimumVersion);
  }

  isRevoked({ userId, version, sid }: { userId: string; version: number; sid: string }): boolean {
    return this.#sessions.has(sid) || version < (this.#minimumVersions.get(userId) ?? 0);
  }
}
