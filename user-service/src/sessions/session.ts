import type { User } from '../users/user.js';

const SECOND_MS = 1_000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;
/** A login that isn't refreshed for this long is over. */
const IDLE_LIFETIME_MS = 30 * DAY_MS;
/** A login is over after this long, however often it is refreshed. */
const ABSOLUTE_LIFETIME_MS = 90 * DAY_MS;
/** For this long a replaced refresh token still brings its successor: the answer may have been lost, or a tab was faster. */
const GRACE_MS = 30 * SECOND_MS;

/** One more ends the oldest of a user's logins. */
export const MAX_LIVE_SESSIONS = 100;

/** A login that is over is kept for this long, to be looked into; to its refresh tokens it makes no difference. */
const RETENTION_MS = 7 * DAY_MS;

const later = (time: Date, milliseconds: number): Date => new Date(time.getTime() + milliseconds);

/** A login to be: a family of refresh tokens, so far of one. */
export interface NewSession {
  /** The `sid` of its access tokens. */
  readonly id: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly refreshToken: { readonly hash: Uint8Array<ArrayBuffer>; readonly expiresAt: Date };
}

/** A login that goes on. */
export type LiveSession = Pick<NewSession, 'id' | 'createdAt' | 'expiresAt'>;

export const startSession = (
  { id, refreshTokenHash }: { id: string; refreshTokenHash: Uint8Array<ArrayBuffer> },
  now: Date,
): NewSession => ({
  id,
  createdAt: now,
  expiresAt: later(now, ABSOLUTE_LIFETIME_MS),
  refreshToken: { hash: refreshTokenHash, expiresAt: idleUntil(now) },
});

/** When a refresh token that is issued now ends, unless its login ends before. */
export const idleUntil = (now: Date): Date => later(now, IDLE_LIFETIME_MS);

/** Logins that were over by then are forgotten now: the last of their access tokens, too, ended long ago. */
export const forgottenBefore = (now: Date, accessTokenLifetimeMs: number): Date =>
  later(now, -(RETENTION_MS + accessTokenLifetimeMs));

/** A refresh token that somebody presented, its login and that one's user. */
export interface PresentedToken {
  readonly sessionId: string;
  readonly sessionExpiresAt: Date;
  readonly sessionEndedAt: Date | null;
  readonly replacedAt: Date | null;
  readonly user: User;
}

/**
 * What to make of a refresh token that can't be claimed. `repeated`: replaced just now, its successor is handed out again.
 * `reused`: replaced long ago, so two hold it, one of them by theft. `over`: it or its login has ended.
 */
export function verdictOf(token: PresentedToken, now: Date): 'repeated' | 'reused' | 'over' {
  const { sessionExpiresAt, sessionEndedAt, replacedAt, user } = token;
  const isSessionOver = sessionEndedAt !== null || sessionExpiresAt <= now || !user.isActive || user.deletedAt !== null;
  if (isSessionOver || replacedAt === null) return 'over';
  return now <= later(replacedAt, GRACE_MS) ? 'repeated' : 'reused';
}
