import type { Role } from '../contracts/index.js';

/** Who asks. */
export interface Actor {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  /** The login that the token belongs to. */
  readonly sessionId: string;
  /** The user's token version when the token was issued. */
  readonly tokenVersion: number;
  /** When the token ends, in seconds since the epoch. */
  readonly expiresAt: number;
}
