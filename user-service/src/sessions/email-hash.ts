import { createHmac, hkdfSync } from 'node:crypto';

const KEY_BYTES = 32;
/** 128 bits: far from two addresses alike. */
const HASH_LENGTH = 22;

/**
 * Answers what stands for an e-mail address where that itself must not be kept: the same for the same address, and
 * without the secret nothing to find the address by, as an unkeyed hash would be. Its key is another than that of the
 * refresh tokens, though of the same secret (RFC 5869).
 */
export function createEmailHash({ secret }: { secret: string }): (email: string) => string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'e-mail addresses in the audit trail', KEY_BYTES));
  return (email) => createHmac('sha256', key).update(email).digest('base64url').slice(0, HASH_LENGTH);
}
