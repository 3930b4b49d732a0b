import { hash, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { jwkThumbprint } from '../config/index.js';
import { roles } from '../contracts/index.js';
import { InvalidToken } from '../errors/index.js';
import type { Actor } from './actor.js';
import type { RevocationList } from './revocation-list.js';

/** Claims of an access token: RFC 9068, plus `email`, `role`, `sid` (the login) and `ver` (the user's token version). */
export const accessTokenClaims = z.object({
  iss: z.string(),
  aud: z.string(),
  sub: z.uuid(),
  email: z.string().min(1),
  role: z.enum(roles),
  sid: z.string().min(1),
  ver: z.int().nonnegative(),
  iat: z.int(),
  exp: z.int(),
  jti: z.string().min(1),
  /** Absent in tokens of versions that did not write it yet. */
  client_id: z.string().min(1).optional(),
});
export type AccessTokenClaims = z.infer<typeof accessTokenClaims>;

/** Exactly what user-service writes: a header with more, such as `crit` or a key of its own, isn't one of ours. */
const accessTokenHeader = z.strictObject({ alg: z.literal('ES256'), typ: z.literal('at+jwt'), kid: z.string() });

/** Seconds that another machine's clock may be ahead. */
const CLOCK_TOLERANCE = 5;
const MAX_TOKEN_LENGTH = 4_096;
const MAX_VERIFIED_TOKENS = 10_000;

/** Whether each part is base64url as it is written: a decoder ignores the last bits, so one signature has 16 spellings. */
const isCanonical = (token: string): boolean =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

/**
 * Tells who presents an access token. Algorithm and type are pinned (RFC 8725); only the given keys count, chosen by
 * their thumbprint. A token's signature is checked once, its expiry and revocation on every use.
 */
export class AccessTokenVerifier {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #issuers: [string, ...string[]];
  readonly #audience: string;
  readonly #revocations: RevocationList;
  /** In seconds. */
  readonly #maxLifetime: number;
  readonly #verified = new LRUCache<string, Actor>({ max: MAX_VERIFIED_TOKENS });

  constructor(options: {
    publicKeys: readonly KeyObject[];
    issuer: string;
    /** Whose tokens are accepted, too, while they live: what `issuer` was before. */
    formerIssuers?: readonly string[] | undefined;
    audience: string;
    revocations: RevocationList;
  }) {
    this.#keys = new Map(options.publicKeys.map((key) => [jwkThumbprint(key), key]));
    this.#issuers = [options.issuer, ...(options.formerIssuers ?? [])];
    this.#audience = options.audience;
    this.#revocations = options.revocations;
    this.#maxLifetime = Math.ceil(options.revocations.lifetime / 1000);
  }

  /** The token's bearer. Throws InvalidToken. */
  verify(token: string): Actor {
    if (token.length > MAX_TOKEN_LENGTH) throw new InvalidToken('Invalid token');
    // The cache keeps no token in clear.
    const digest = hash('sha256', token, 'base64');
    let actor = this.#verified.get(digest);
    if (actor === undefined) {
      actor = this.#check(token);
      this.#verified.set(digest, actor);
    }
    this.assertValid(actor);
    return actor;
  }

  /**
   * Throws InvalidToken where an actor's token has expired or been revoked since it was verified: for answers that last,
   * such as subscriptions.
   */
  assertValid({ id, tokenVersion, sessionId, expiresAt }: Actor): void {
    if (expiresAt <= Date.now() / 1000) throw new InvalidToken('Token has expired');
    const isRevoked = this.#revocations.isRevoked({ userId: id, version: tokenVersion, sid: sessionId });
    if (isRevoked) throw new InvalidToken('Token has been revoked');
  }

  #check(token: string): Actor {
    try {
      if (!isCanonical(token)) throw new Error('another spelling of a token');
      const header = accessTokenHeader.parse(jwt.decode(token, { complete: true })?.header);
      const key = this.#keys.get(header.kid);
      if (key === undefined) throw new Error('unknown key');
      const claims = accessTokenClaims.parse(
        jwt.verify(token, key, { algorithms: ['ES256'], issuer: this.#issuers, audience: this.#audience }),
      );
      if (claims.iat > Date.now() / 1000 + CLOCK_TOLERANCE) throw new Error('issued in the future');
      // It would come back to life once its revocation is forgotten.
      if (claims.exp - claims.iat > this.#maxLifetime) throw new Error('lives longer than revocations are kept');
      return {
        id: claims.sub,
        email: claims.email,
        role: claims.role,
        sessionId: claims.sid,
        tokenVersion: claims.ver,
        expiresAt: claims.exp,
      };
    } catch (error) {
      if (error instanceof jwt.TokenExpiredError) throw new InvalidToken('Token has expired');
      throw new InvalidToken('Invalid token', { cause: error });
    }
  }
}
