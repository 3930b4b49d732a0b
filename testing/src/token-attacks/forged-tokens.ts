import { createHmac, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { accessTokenClaims, type AccessTokenClaims, type Revocation } from '@shop/common/auth';
import { jwkThumbprint } from '@shop/common/config';
import type { TestTokens } from '../test-tokens.js';

/** Whose access is to be stolen, and what the system would accept. */
export interface TokenVictim {
  /** What tokens are signed with. Where an attack uses it, the token is genuine but was made for something else. */
  privateKey: KeyObject;
  /** What everybody may know. */
  publicKey: KeyObject;
  /** Those of a token that is accepted. */
  claims: AccessTokenClaims;
  /** One of the victim's logins that has ended. */
  endedSession: string;
}

/** A victim of attacks on a system that knows these keys, and learns of `revocationsOf` it. */
export function createVictim(tokens: TestTokens, user: { id?: string } = {}): TokenVictim {
  const [publicKey] = tokens.publicKeys;
  if (publicKey === undefined) throw new Error('no public key');
  const claims = accessTokenClaims.parse(jwt.decode(tokens.tokenFor(user)));
  return { privateKey: tokens.privateKey, publicKey, claims, endedSession: randomUUID() };
}

/** What has to be revoked before the attacks: an ended login, and the versions below the victim's. */
export const revocationsOf = ({ claims, endedSession }: TokenVictim): Revocation[] => [
  { userId: claims.sub, sid: endedSession },
  { userId: claims.sub, minimumVersion: claims.ver },
];

export type Part = string | Buffer | object;

export const encode = (part: Part): string =>
  (Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))).toString(
    'base64url',
  );

export const signature = (content: string, key: KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363'): Buffer =>
  sign('sha256', Buffer.from(content), { key, dsaEncoding });

export const headerOf = ({ publicKey }: TokenVictim) => ({
  alg: 'ES256',
  typ: 'at+jwt',
  kid: jwkThumbprint(publicKey),
});

/** Signed by the real key. */
export function genuine(victim: TokenVictim, header: Part, payload: Part = victim.claims): string {
  const content = `${encode(header)}.${encode(payload)}`;
  return `${content}.${encode(signature(content, victim.privateKey))}`;
}

/** The token that the attacks start from: it is accepted. */
export const genuineToken = (victim: TokenVictim): string => genuine(victim, headerOf(victim));

/** The other of the two signatures that ECDSA holds valid for the same content: n - s in place of s. */
export function withMirroredSignature(token: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const [header, payload, encoded = ''] = token.split('.');
  const bytes = Buffer.from(encoded, 'base64url');
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const mirrored = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex');
  return `${header}.${payload}.${encode(Buffer.concat([bytes.subarray(0, 32), mirrored]))}`;
}

/** The same bytes in another text: the last of its 86 characters has four bits that belong to no byte. */
export function respelt(token: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + digits.charAt(digits.indexOf(token.slice(-1)) ^ 1);
}

export const withClaims = (victim: TokenVictim, changes: object): string =>
  genuine(victim, headerOf(victim), { ...victim.claims, ...changes });

export const withHeader = (victim: TokenVictim, changes: object): string =>
  genuine(victim, { ...headerOf(victim), ...changes });

export const ofEndedSession = (victim: TokenVictim): string => withClaims(victim, { sid: victim.endedSession });
export const ofOldVersion = (victim: TokenVictim): string => withClaims(victim, { ver: victim.claims.ver - 1 });

/** Tokens that are refused from the moment on at which `revocationsOf` the victim have arrived. */
export const revokedTokens = (victim: TokenVictim): string[] => [ofEndedSession(victim), ofOldVersion(victim)];

/** The victim's token with this in place of its signature. */
export function signedWith(
  victim: TokenVictim,
  made: (content: string) => Buffer | string,
  header: object = {},
): string {
  const content = `${encode({ ...headerOf(victim), ...header })}.${encode(victim.claims)}`;
  return `${content}.${encode(made(content))}`;
}

export const hmac = (hash: string, secret: string | Buffer) => (content: string) =>
  createHmac(hash, secret).update(content).digest();

/** A key pair of the attacker's, made when it is first needed. */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
export const attacker = lazily(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
export const attackerKeys = {
  rsa: lazily(() => generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey),
  p384: lazily(() => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
  secp256k1: lazily(() => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey),
  ed25519: lazily(() => generateKeyPairSync('ed25519').privateKey),
};
export const byAttacker = (content: string): Buffer => signature(content, attacker().privateKey);

export function changedByte(token: string, part: 0 | 1 | 2): string {
  const parts = token.split('.');
  const bytes = Buffer.from(parts[part] ?? '', 'base64url');
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  parts[part] = encode(bytes);
  return parts.join('.');
}
