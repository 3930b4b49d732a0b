import { createHmac, hash, randomBytes } from 'node:crypto';

/** 256 bits, as each successor has. */
const TOKEN_BYTES = 32;

/**
 * Refresh tokens: opaque, random, and each the only source of the next. A successor is computed from its predecessor with
 * a secret of the server, so a repeated request gets the same answer while hashes alone are stored (RFC 9700, 4.14).
 */
export class RefreshTokens {
  readonly #secret: string;
  readonly #otherSecret: string | undefined;

  /** `otherSecret`: what another process computes successors with, while the secret rotates. */
  constructor({ secret, otherSecret }: { secret: string; otherSecret?: string | undefined }) {
    this.#secret = secret;
    this.#otherSecret = otherSecret;
  }

  /** The first one of a login. */
  create(): string {
    return randomBytes(TOKEN_BYTES).toString('base64url');
  }

  successorOf(token: string): string {
    return successor(token, this.#secret);
  }

  /** What may have been handed out before, the likelier one first. */
  possibleSuccessorsOf(token: string): string[] {
    const secrets = this.#otherSecret === undefined ? [this.#secret] : [this.#secret, this.#otherSecret];
    return secrets.map((secret) => successor(token, secret));
  }

  /** What is stored of a token. It has 256 random bits: a plain hash can't be guessed. */
  hashOf(token: string): Uint8Array<ArrayBuffer> {
    return hash('sha256', token, 'buffer');
  }
}

const successor = (token: string, secret: string): string =>
  createHmac('sha256', secret).update(token).digest('base64url');
