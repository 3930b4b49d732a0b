import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { parsePrivateKey, parsePublicKey } from './keys.js';
import type { Setting } from './load-settings.js';

const parseWith =
  <T>(parse: (value: string) => T, message: string) =>
  (value: string, context: z.RefinementCtx): T => {
    try {
      return parse(value);
    } catch {
      // The library's own message could show parts of the key.
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  };

/** JWT_PRIVATE_KEY: the P-256 key that signs access tokens, base64 of PKCS#8 in one line. */
export const privateKey = (): Setting<KeyObject> => ({
  isSecret: true,
  schema: z.string().transform(parseWith(parsePrivateKey, 'must be base64 of a P-256 private key in PKCS#8')),
});

/** JWT_PUBLIC_KEYS: the P-256 keys that verify access tokens, base64 of SPKI, separated by commas. */
export const publicKeys = (): Setting<readonly KeyObject[]> => ({
  schema: z
    .string()
    .transform(
      parseWith(
        (value) => value.split(',').map((part) => parsePublicKey(part.trim())),
        'must be base64 of P-256 public keys in SPKI, separated by commas',
      ),
    ),
});
