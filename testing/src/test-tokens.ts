import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { AccessTokenClaims } from '@shop/common/auth';
import { jwkThumbprint } from '@shop/common/config';
import type { Role } from '@shop/common/contracts';

const ISSUER = 'http://test';
const AUDIENCE = 'test';

export interface TestTokens {
  publicKeys: readonly KeyObject[];
  privateKey: KeyObject;
  issuer: string;
  audience: string;
  /** A token that the verifier of these keys accepts; claims can be replaced one by one. */
  tokenFor(user: { id?: string; role?: Role }, claims?: Partial<AccessTokenClaims>): string;
}

/** A key pair, and access tokens signed with it. */
export function createTestTokens(): TestTokens {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyid = jwkThumbprint(publicKey);
  return {
    publicKeys: [publicKey],
    privateKey,
    issuer: ISSUER,
    audience: AUDIENCE,
    tokenFor: ({ id = randomUUID(), role = 'user' }, claims = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const payload: AccessTokenClaims = {
        iss: ISSUER,
        aud: AUDIENCE,
        sub: id,
        email: `${id}@example.com`,
        role,
        sid: randomUUID(),
        ver: 1,
        iat: now,
        exp: now + 3_600,
        jti: randomUUID(),
        client_id: 'test',
        ...claims,
      };
      return jwt.sign(payload, privateKey, { algorithm: 'ES256', keyid, header: { alg: 'ES256', typ: 'at+jwt' } });
    },
  };
}
