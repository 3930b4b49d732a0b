import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventsOf } from './user.events.js';
import { changePassword, changeUser, createUser, deleteUser, losesAdmin, type User, type UserChange } from './user.js';

const created = new Date('2026-01-01T00:00:00Z');
const now = new Date('2026-01-31T12:00:00Z');
const userWith = (changes: Partial<User> = {}): User => ({
  ...createUser(
    {
      id: '018f4e5a-0000-7000-8000-000000000000',
      email: 'ada@example.com',
      passwordHash: 'hash',
      firstName: 'Ada',
      lastName: 'Lovelace',
      role: 'user',
    },
    created,
  ),
  ...changes,
});

describe('changeUser', () => {
  it.each([
    ['a new name', {}, { firstName: 'Grace' }, undefined],
    ['a new role', {}, { role: 'admin' }, 'role_changed'],
    ['a deactivation', {}, { isActive: false }, 'deactivated'],
    ['a deactivation with a new role', {}, { isActive: false, role: 'admin' }, 'deactivated'],
    ['an activation', { isActive: false }, { isActive: true }, undefined],
    ['a new role while deactivated', { isActive: false }, { role: 'admin' }, 'role_changed'],
  ] as const)('%s -> access ends: %s', (_what, before, changes, accessEnd) => {
    expect(changeUser(userWith(before), changes, now)?.accessEnd).toBe(accessEnd);
  });

  it('nothing new -> undefined', () => {
    expect(changeUser(userWith(), { firstName: 'Ada', isActive: true, role: 'user' }, now)).toBeUndefined();
    expect(changeUser(userWith(), {}, now)).toBeUndefined();
  });
});

describe('any history of a user', () => {
  const step = fc.oneof(
    fc.record({ firstName: fc.string({ minLength: 1 }) }),
    fc.record({ role: fc.constantFrom('user' as const, 'admin' as const) }),
    fc.record({ isActive: fc.boolean() }),
    fc.record({ passwordHash: fc.string() }),
  );

  it('-> sequences grow by one from event to event, the token version with each end of access', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let user = userWith();
        const sequences = [user.version];
        for (const changes of steps) {
          const change =
            'passwordHash' in changes
              ? changePassword(user, changes.passwordHash, now)
              : changeUser(user, changes, now);
          if (change === undefined) continue;
          sequences.push(...eventsOf(change).map(({ sequence }) => sequence));
          expect(change.after.tokenVersion - user.tokenVersion).toBe(change.accessEnd === undefined ? 0 : 1);
          user = change.after;
        }
        sequences.push(...eventsOf(deleteUser(user, now)).map(({ sequence }) => sequence));
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      }),
    );
  });
});

describe('losesAdmin', () => {
  const admin = userWith({ role: 'admin' });
  const losing = (change: UserChange | undefined): boolean => change !== undefined && losesAdmin(change);

  it('an active admin demoted, deactivated or deleted -> yes', () => {
    expect(losing(changeUser(admin, { role: 'user' }, now))).toBe(true);
    expect(losing(changeUser(admin, { isActive: false }, now))).toBe(true);
    expect(losing(deleteUser(admin, now))).toBe(true);
  });

  it('renamed, or no active admin before -> no', () => {
    expect(losing(changeUser(admin, { firstName: 'Grace' }, now))).toBe(false);
    expect(losing(deleteUser(userWith(), now))).toBe(false);
    expect(losing(deleteUser({ ...admin, isActive: false }, now))).toBe(false);
  });
});
