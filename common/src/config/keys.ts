import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Setting } from './load-settings.js';
import { readAs } from './setting.js';

const isP256 = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';

const fromBase64 = (value: string): Buffer => Buffer.from(value, 'base64');

/** The P-256 public key in one line of base64 (SPKI). Throws on anything else. */
export function parsePublicKey(value: string): KeyObject {
  const key = createPublicKey({ key: fromBase64(value), format: 'der', type: 'spki' });
  if (!isP256(key)) throw new Error('not a P-256 key');
  return key;
}

/** The P-256 private key in one line of base64 (PKCS#8). Throws on anything else. */
export function parsePrivateKey(value: string): KeyObject {
  const key = createPrivateKey({ key: fromBase64(value), format: 'der', type: 'pkcs8' });
  if (!isP256(key)) throw new Error('not a P-256 key');
  return key;
}

/** A key's name as RFC 7638 computes it: SHA-256 of its required members in lexical order, base64url. */
export function jwkThumbprint(key: KeyObject): string {
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

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
