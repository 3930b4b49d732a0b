import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { Unauthorized } from '../errors/index.js';
import { createTestTokens } from '../testing/test-tokens.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { jwkThumbprint } from './keys.js';
import { RevocationList } from './revocation-list.js';

const tokens = createTestTokens();
const revocations = new RevocationList({ lifetime: 60_000 });
const verifier = new AccessTokenVerifier({ ...tokens, revocations });
const [publicKey] = tokens.publicKeys;
const kid = jwkThumbprint(publicKey!);
const now = () => Math.floor(Date.now() / 1000);
const id = randomUUID();
const claims = jwt.decode(tokens.tokenFor({ id })) as jwt.JwtPayload;

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
const signed = (header: object, payload: object = claims): string =>
  jwt.sign(payload, tokens.privateKey, { algorithm: 'ES256', header: { alg: 'ES256', typ: 'at+jwt', kid, ...header } });

describe('an access token', () => {
  it('signed by a known key -> its bearer', () => {
    expect(verifier.verify(tokens.tokenFor({ id, role: 'admin' }, { sid: 's1', ver: 3 }))).toMatchObject({
      id,
      role: 'admin',
      sessionId: 's1',
      tokenVersion: 3,
    });
  });

  it.each<[string, () => string]>([
    ['is empty', () => ''],
    ['is no JWT', () => 'abc'],
    ['has no algorithm', () => `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${encode(claims)}.`],
    [
      'is signed by HMAC with the public key as its secret',
      () => {
        const content = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${encode(claims)}`;
        const secret = publicKey!.export({ format: 'pem', type: 'spki' });
        return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
      },
    ],
    ['is of another type', () => signed({ typ: 'JWT' })],
    ['names no key', () => signed({ kid: undefined })],
    ['names an unknown key', () => signed({ kid: 'other' })],
    ['names a key by path', () => signed({ kid: '../../dev/null' })],
    [
      'brings its own key',
      () => {
        const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        return jwt.sign(claims, own.privateKey, {
          algorithm: 'ES256',
          header: { alg: 'ES256', typ: 'at+jwt', kid, jwk: own.publicKey.export({ format: 'jwk' }) } as jwt.JwtHeader,
        });
      },
    ],
    ['is from another issuer', () => tokens.tokenFor({ id }, { iss: 'http://elsewhere' })],
    ['is for another audience', () => tokens.tokenFor({ id }, { aud: 'elsewhere' })],
    ['has expired', () => tokens.tokenFor({ id }, { iat: now() - 7_200, exp: now() - 1 })],
    ['was issued in the future', () => tokens.tokenFor({ id }, { iat: now() + 600, exp: now() + 3_600 })],
    ['has a subject that is no UUID', () => tokens.tokenFor({ id: 'admin' })],
    ['has an unknown role', () => signed({}, { ...claims, role: 'root' })],
    ['lacks its version', () => signed({}, { ...claims, ver: undefined })],
    ['lacks its session', () => signed({}, { ...claims, sid: undefined })],
    [
      'has a changed payload',
      () => tokens.tokenFor({ id }).replace(/\.[^.]+\./, `.${encode({ ...claims, role: 'admin' })}.`),
    ],
    ['has a changed signature', () => `${tokens.tokenFor({ id }).slice(0, -8)}AAAAAAAA`],
    ['is too long', () => tokens.tokenFor({ id }, { email: `${'x'.repeat(5_000)}@example.com` })],
  ])('that %s -> refused', (_case, token) => {
    expect(() => verifier.verify(token())).toThrow(Unauthorized);
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

  it('of a log-in that was ended -> refused, one of the same user from elsewhere accepted', () => {
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
