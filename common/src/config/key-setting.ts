import type { KeyObject } from 'node:crypto';
import { parsePrivateKey, parsePublicKey } from './keys.js';
import type { Setting } from './load-settings.js';
import { readAs } from './setting.js';

/** undefined instead of the library's own error, which could show parts of the key. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

/** JWT_PRIVATE_KEY: the P-256 key that signs access tokens, base64 of PKCS#8 in one line. */
export const privateKey = (): Setting<KeyObject> => ({
  ...readAs((value) => attempt(() => parsePrivateKey(value)), 'must be base64 of a P-256 private key in PKCS#8'),
  isSecret: true,
});

/** JWT_PUBLIC_KEYS: the P-256 keys that verify access tokens, base64 of SPKI, separated by commas. */
export const publicKeys = (): Setting<readonly KeyObject[]> =>
  readAs(
    (value) => attempt(() => value.split(',').map((part) => parsePublicKey(part.trim()))),
    'must be base64 of P-256 public keys in SPKI, separated by commas',
  );
