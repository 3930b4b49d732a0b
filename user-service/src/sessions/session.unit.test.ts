import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createUser } from '../users/user.js';
import { RefreshTokens } from './refresh-tokens.js';
import { verdictOf, startSession, type PresentedToken } from './session.js';

const now = new Date('2026-01-31T12:00:00Z');
const before = (seconds: number): Date => new Date(now.getTime() - seconds * 1_000);

const user = createUser(
  { id: 'u', email: 'ada@example.com', passwordHash: 'h', firstName: 'Ada', lastName: 'Lovelace', role: 'user' },
  now,
);
const presented = (changes: Partial<PresentedToken> = {}): PresentedToken => ({
  sessionId: 's',
  sessionExpiresAt: new Date(now.getTime() + 1_000),
  sessionEndedAt: null,
  replacedAt: null,
  user,
  ...changes,
});

describe('verdictOf', () => {
  it.each([
    ['replaced just now', 'repeated', { replacedAt: now }],
    ['replaced 30 s ago', 'repeated', { replacedAt: before(30) }],
    ['replaced by a process whose clock is ahead', 'repeated', { replacedAt: before(-2) }],
    ['replaced more than 30 s ago', 'reused', { replacedAt: before(30.001) }],
    ['never replaced, so it was too old to be claimed', 'over', {}],
    ['of a login that has ended', 'over', { replacedAt: now, sessionEndedAt: now }],
    ['of a login that is too old', 'over', { replacedAt: now, sessionExpiresAt: now }],
    ['of a deactivated user', 'over', { replacedAt: now, user: { ...user, isActive: false } }],
    ['of a deleted user', 'over', { replacedAt: before(60), user: { ...user, deletedAt: now } }],
  ] as const)('a token %s -> %s', (_which, verdict, changes) => {
    expect(verdictOf(presented(changes), now)).toBe(verdict);
  });
});

describe('startSession', () => {
  it('lives for 90 days, its first token for 30', () => {
    const session = startSession({ id: 's', refreshTokenHash: new Uint8Array(32) }, now);
    expect(session.expiresAt).toEqual(new Date('2026-05-01T12:00:00Z'));
    expect(session.refreshToken.expiresAt).toEqual(new Date('2026-03-02T12:00:00Z'));
  });
});

describe('RefreshTokens', () => {
  const tokens = new RefreshTokens({ secret: 'a secret' });

  it('the same predecessor -> the same successor; with another secret another', () => {
    const first = tokens.create();
    expect(tokens.successorOf(first)).toBe(new RefreshTokens({ secret: 'a secret' }).successorOf(first));
    expect(tokens.successorOf(first)).not.toBe(new RefreshTokens({ secret: 'another' }).successorOf(first));
  });

  it('long families -> no token twice, each of 256 bits, each with a hash of 32 bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), (length) => {
        const family = [tokens.create()];
        for (let n = 1; n < length; n++) family.push(tokens.successorOf(family.at(-1)!));
        expect(new Set(family).size).toBe(length);
        for (const token of family) {
          expect(token).toMatch(/^[\w-]{43}$/);
          expect(tokens.hashOf(token)).toHaveLength(32);
        }
      }),
      { numRuns: 20 },
    );
  });
});
