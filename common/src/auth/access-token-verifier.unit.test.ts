import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  createTestTokens,
  createVictim,
  genuineToken,
  revocationsOf,
  tokenAttacks,
  withMirroredSignature,
} from '@shop/testing';
import { Unauthorized } from '../errors/index.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { RevocationList } from './revocation-list.js';

const tokens = createTestTokens();
const revocations = new RevocationList({ lifetime: 3_600_000 });
const verifier = new AccessTokenVerifier({ ...tokens, revocations });
const now = () => Math.floor(Date.now() / 1000);
const id = randomUUID();
const victim = createVictim(tokens, { id });
for (const revocation of revocationsOf(victim)) revocations.add(revocation);

describe('an access token', () => {
  it('signed by a known key -> its bearer', () => {
    expect(verifier.verify(tokens.tokenFor({ id, role: 'admin' }, { sid: 's1', ver: 3 }))).toMatchObject({
      id,
      role: 'admin',
      sessionId: 's1',
      tokenVersion: 3,
    });
  });

  it('that attacks start from -> accepted', () => {
    expect(verifier.verify(genuineToken(victim)).id).toBe(id);
  });

  it.each(tokenAttacks.map(({ name, token }) => [name, token] as const))('that %s -> refused', (_name, token) => {
    expect(() => verifier.verify(token(victim))).toThrow(Unauthorized);
  });

  it('of which any byte is changed -> refused', () => {
    const parts = genuineToken(victim).split('.');
    for (const [i, part] of parts.entries()) {
      for (const at of Buffer.from(part, 'base64url').keys()) {
        const bytes = Buffer.from(part, 'base64url');
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
        const changed = parts.with(i, bytes.toString('base64url')).join('.');
        expect(() => verifier.verify(changed)).toThrow(Unauthorized);
      }
    }
  });

  it('whose signature is mirrored -> the same bearer, since ECDSA holds both valid, and revoked together', () => {
    const user = randomUUID();
    const token = tokens.tokenFor({ id: user }, { sid: 'mirrored' });
    const mirrored = withMirroredSignature(token);
    expect(mirrored).not.toBe(token);
    expect(verifier.verify(mirrored)).toEqual(verifier.verify(token));
    revocations.add({ userId: user, sid: 'mirrored' });
    for (const either of [token, mirrored]) {
      expect(() => verifier.verify(either)).toThrow('Token has been revoked');
    }
  });

  it('verified before and expired since -> refused, although its signature is remembered', () => {
    const token = tokens.tokenFor({ id }, { exp: now() + 1 });
    verifier.verify(token);
    const clock = Date.now;
    Date.now = () => clock() + 2_000;
    try {
      expect(() => verifier.verify(token)).toThrow('Token has expired');
    } finally {
      Date.now = clock;
    }
  });

  it('of a user whose version was raised -> refused, one of the new version accepted', () => {
    const user = randomUUID();
    const [old, current] = [tokens.tokenFor({ id: user }, { ver: 1 }), tokens.tokenFor({ id: user }, { ver: 2 })];
    verifier.verify(old);
    revocations.add({ userId: user, minimumVersion: 2 });
    revocations.add({ userId: user, minimumVersion: 1 }); // late: changes nothing
    expect(() => verifier.verify(old)).toThrow('Token has been revoked');
    expect(verifier.verify(current).id).toBe(user);
  });

  it('of a login that was ended -> refused, one of the same user from elsewhere accepted', () => {
    const user = randomUUID();
    const [ended, other] = [tokens.tokenFor({ id: user }, { sid: 'a' }), tokens.tokenFor({ id: user }, { sid: 'b' })];
    revocations.add({ userId: user, sid: 'a' });
    expect(() => verifier.verify(ended)).toThrow('Token has been revoked');
    expect(verifier.verify(other).id).toBe(user);
  });

  it('while keys rotate -> accepted whichever of them signed it', () => {
    const next = createTestTokens();
    const both = new AccessTokenVerifier({
      ...tokens,
      publicKeys: [...tokens.publicKeys, ...next.publicKeys],
      revocations,
    });
    expect(both.verify(tokens.tokenFor({ id })).id).toBe(id);
    expect(both.verify(next.tokenFor({ id })).id).toBe(id);
  });
});
