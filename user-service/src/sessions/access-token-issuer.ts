import { createPublicKey, type KeyObject } from 'node:crypto';
import type { AccessTokenClaims } from '@shop/common/auth';
import { jwkThumbprint } from '@shop/common/config';
import jwt from 'jsonwebtoken';
import type { User } from '../users/user.js';

export interface AccessTokenIssuerOptions {
  privateKey: KeyObject;
  issuer: string;
  audience: string;
  /** Milliseconds. */
  accessTokenLifetime: number;
  newId: () => string;
  clock: () => Date;
}

/** RFC 9068 asks who the token was given to. There is one client, the shop's own; others are not registered. */
const CLIENT_ID = 'shop';

/** Signs access tokens: JWT (RFC 9068) with ES256. */
export class AccessTokenIssuer {
  readonly #options: AccessTokenIssuerOptions;
  readonly #keyId: string;
  /** How long a token lives, in seconds. */
  readonly expiresIn: number;

  constructor(options: AccessTokenIssuerOptions) {
    this.#options = options;
    this.#keyId = jwkThumbprint(createPublicKey(options.privateKey));
    this.expiresIn = Math.ceil(options.accessTokenLifetime / 1_000);
  }

  issue(user: User, sessionId: string): string {
    const { privateKey, issuer, audience, newId, clock } = this.#options;
    const issuedAt = Math.floor(clock().getTime() / 1_000);
    const claims: AccessTokenClaims = {
      iss: issuer,
      aud: audience,
      sub: user.id,
      email: user.email,
      role: user.role,
      sid: sessionId,
      ver: user.tokenVersion,
      iat: issuedAt,
      exp: issuedAt + this.expiresIn,
      jti: newId(),
      client_id: CLIENT_ID,
    };
    return jwt.sign(claims, privateKey, {
      algorithm: 'ES256',
      keyid: this.#keyId,
      header: { alg: 'ES256', typ: 'at+jwt' },
    });
  }
}
