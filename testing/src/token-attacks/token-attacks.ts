import { randomBytes, randomUUID, sign, type KeyObject } from 'node:crypto';
import { jwkThumbprint } from '@shop/common/config';
import {
  encode,
  signature,
  headerOf,
  genuine,
  respelt,
  withClaims,
  withHeader,
  ofEndedSession,
  ofOldVersion,
  signedWith,
  hmac,
  attacker,
  attackerKeys,
  byAttacker,
  changedByte,
  genuineToken,
  type TokenVictim,
} from './forged-tokens.js';

export interface TokenAttack {
  /** Goes on after "a token that". */
  readonly name: string;
  readonly token: (victim: TokenVictim) => string;
}

const now = (): number => Math.floor(Date.now() / 1_000);
const YEAR = 31_536_000;

type NamedAttack = [name: string, token: TokenAttack['token']];

const withoutSignature: NamedAttack[] = [
  ...['none', 'None', 'NONE', 'nOnE', '', 'es256', 'HS256'].map((alg): NamedAttack => [
    `says its algorithm is ${JSON.stringify(alg)} and has no signature`,
    (victim) => signedWith(victim, () => '', { alg }),
  ]),
  ['says its algorithm is "none" and keeps its signature', (victim) => withHeader(victim, { alg: 'none' })],
  ['names no algorithm', (victim) => withHeader(victim, { alg: undefined })],
  ['names its algorithm in a list', (victim) => withHeader(victim, { alg: ['ES256'] })],
  ['has an empty signature', (victim) => signedWith(victim, () => '')],
  ['has a signature of zeros (CVE-2022-21449)', (victim) => signedWith(victim, () => Buffer.alloc(64))],
  ['has half a signature', (victim) => signedWith(victim, (c) => signature(c, victim.privateKey).subarray(0, 32))],
  [
    'has its signature twice',
    (victim) => signedWith(victim, (c) => Buffer.concat(Array(2).fill(signature(c, victim.privateKey)))),
  ],
  ['has its signature in DER', (victim) => signedWith(victim, (c) => signature(c, victim.privateKey, 'der'))],
  [
    'has the signature of another token',
    (victim) => {
      const [header, payload] = genuineToken(victim).split('.');
      return `${header}.${payload}.${withClaims(victim, { jti: randomUUID() }).split('.')[2]}`;
    },
  ],
  [
    'has a signature of its payload alone',
    (victim) => signedWith(victim, (c) => signature(c.split('.')[1] ?? '', victim.privateKey)),
  ],
];

const secrets: Record<string, (key: KeyObject) => string | Buffer> = {
  'the public key in PEM': (key) => key.export({ format: 'pem', type: 'spki' }),
  'the public key in PEM without its last line break': (key) =>
    key.export({ format: 'pem', type: 'spki' }).toString().trim(),
  'the public key in DER': (key) => key.export({ format: 'der', type: 'spki' }),
  'the public key in base64': (key) => key.export({ format: 'der', type: 'spki' }).toString('base64'),
  'the public key as JWK': (key) => JSON.stringify(key.export({ format: 'jwk' })),
  'the thumbprint': jwkThumbprint,
  nothing: () => '',
};

const withOtherKeys: NamedAttack[] = [
  ...Object.entries(secrets).map(([name, secret]): NamedAttack => [
    `is signed with HS256, its secret ${name}`,
    (victim) => signedWith(victim, hmac('sha256', secret(victim.publicKey)), { alg: 'HS256' }),
  ]),
  [
    'is signed with HS512, its secret the public key in PEM',
    (victim) =>
      signedWith(victim, hmac('sha512', victim.publicKey.export({ format: 'pem', type: 'spki' })), { alg: 'HS512' }),
  ],
  [
    'is signed by HMAC and says ES256',
    (victim) => signedWith(victim, hmac('sha256', victim.publicKey.export({ format: 'pem', type: 'spki' }))),
  ],
  ['is signed by a stranger under our kid', (victim) => signedWith(victim, byAttacker)],
  [
    'is signed by a stranger under its own kid',
    (victim) => signedWith(victim, byAttacker, { kid: jwkThumbprint(attacker().publicKey) }),
  ],
  [
    'is signed by a stranger with RS256',
    (victim) => signedWith(victim, (c) => sign('sha256', Buffer.from(c), attackerKeys.rsa()), { alg: 'RS256' }),
  ],
  [
    'is signed by a stranger with PS256',
    (victim) =>
      signedWith(victim, (c) => sign('sha256', Buffer.from(c), { key: attackerKeys.rsa(), padding: 6 }), {
        alg: 'PS256',
      }),
  ],
  [
    'is signed by a stranger with ES384',
    (victim) =>
      signedWith(
        victim,
        (c) => sign('sha384', Buffer.from(c), { key: attackerKeys.p384(), dsaEncoding: 'ieee-p1363' }),
        { alg: 'ES384' },
      ),
  ],
  [
    'is signed by a stranger with ES256K',
    (victim) => signedWith(victim, (c) => signature(c, attackerKeys.secp256k1()), { alg: 'ES256K' }),
  ],
  [
    'is signed by a stranger with EdDSA',
    (victim) => signedWith(victim, (c) => sign(null, Buffer.from(c), attackerKeys.ed25519()), { alg: 'EdDSA' }),
  ],
  [
    'brings its own key as jwk',
    (victim) => signedWith(victim, byAttacker, { jwk: attacker().publicKey.export({ format: 'jwk' }) }),
  ],
  [
    'brings its own key as jwk and no kid',
    (victim) => signedWith(victim, byAttacker, { kid: undefined, jwk: attacker().publicKey.export({ format: 'jwk' }) }),
  ],
  [
    'brings its own key as x5c',
    (victim) =>
      signedWith(victim, byAttacker, {
        x5c: [attacker().publicKey.export({ format: 'der', type: 'spki' }).toString('base64')],
      }),
  ],
  [
    'says where its key is by jku',
    (victim) => signedWith(victim, byAttacker, { jku: 'http://127.0.0.1:1/.well-known/jwks.json' }),
  ],
  ['says where its key is by x5u', (victim) => signedWith(victim, byAttacker, { x5u: 'http://127.0.0.1:1/key.pem' })],
];

const withOtherKids: NamedAttack[] = [
  [
    'names an empty file as its key',
    (victim) => signedWith(victim, hmac('sha256', ''), { alg: 'HS256', kid: '../../../../dev/null' }),
  ],
  [
    'names its key by SQL',
    (victim) => signedWith(victim, hmac('sha256', 'key'), { alg: 'HS256', kid: "x' UNION SELECT 'key' --" }),
  ],
  ['names its key by URL', (victim) => signedWith(victim, byAttacker, { kid: 'http://127.0.0.1:1/key.pem' })],
  ['names its key by path, signed by us', (victim) => withHeader(victim, { kid: '../../dev/null' })],
  ['names no key', (victim) => withHeader(victim, { kid: undefined })],
  ['names an unknown key', (victim) => withHeader(victim, { kid: 'other' })],
  ['names its key "__proto__"', (victim) => withHeader(victim, { kid: '__proto__' })],
  ['names null as its key', (victim) => withHeader(victim, { kid: null })],
  ['names its key in a list', (victim) => withHeader(victim, { kid: [headerOf(victim).kid] })],
  [
    'names two keys, ours last, and is signed by a stranger',
    (victim) => {
      const stranger = jwkThumbprint(attacker().publicKey);
      const content = `${encode(`{"alg":"ES256","typ":"at+jwt","kid":"${stranger}","kid":"${headerOf(victim).kid}"}`)}.${encode(victim.claims)}`;
      return `${content}.${encode(byAttacker(content))}`;
    },
  ],
  [
    'names two keys, ours first',
    (victim) => genuine(victim, `{"alg":"ES256","typ":"at+jwt","kid":"${headerOf(victim).kid}","kid":"other"}`),
  ],
];

const ofOtherTypes: NamedAttack[] = [
  ...['JWT', 'AT+JWT', 'application/at+jwt', 'at+jwt ', 'rt+jwt', null, undefined].map((typ): NamedAttack => [
    `is of type ${String(typ)}`,
    (victim) => withHeader(victim, { typ }),
  ]),
  ['must be understood in a way that is unknown (crit)', (victim) => withHeader(victim, { crit: ['exp'] })],
  ['has an unencoded payload (b64)', (victim) => withHeader(victim, { b64: false, crit: ['b64'] })],
  ['is a token in a token', (victim) => genuine(victim, { ...headerOf(victim), cty: 'JWT' }, genuineToken(victim))],
  [
    'is encrypted (JWE)',
    (victim) => {
      const header = encode({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'at+jwt', kid: headerOf(victim).kid });
      return [header, '', encode(randomBytes(12)), encode(JSON.stringify(victim.claims)), encode(randomBytes(16))].join(
        '.',
      );
    },
  ],
  [
    'is in JSON serialization',
    (victim) => {
      const [header, payload, signed] = genuineToken(victim).split('.');
      return JSON.stringify({ protected: header, payload, signature: signed });
    },
  ],
  ['is a refresh token', () => randomBytes(32).toString('base64url')],
];

const withOtherClaims: NamedAttack[] = [
  ...Object.entries<readonly unknown[]>({
    iss: ['http://elsewhere', undefined, null],
    aud: ['elsewhere', undefined],
    sub: [undefined, 'admin', 42, ''],
    email: [undefined, ''],
    role: [undefined, 'root', 'Admin', ['admin']],
    sid: [undefined, '', 1],
    ver: [undefined, '1', -1, 1.5],
    jti: [undefined, ''],
    client_id: ['', 1, null],
    iat: [undefined, 'now'],
    exp: [undefined, null, 'never', -1, 0, 1e300],
    nbf: ['later'],
  }).flatMap(([claim, values]) =>
    values.map((value): NamedAttack => [
      value === undefined ? `lacks ${claim}` : `has ${claim} ${JSON.stringify(value)}`,
      (victim) => withClaims(victim, { [claim]: value }),
    ]),
  ),
  ['has its issuer in a list', (victim) => withClaims(victim, { iss: [victim.claims.iss] })],
  ['is from an issuer that starts like ours', (victim) => withClaims(victim, { iss: `${victim.claims.iss}/x` })],
  ['is for several audiences', (victim) => withClaims(victim, { aud: [victim.claims.aud, 'elsewhere'] })],
  ['has expired', (victim) => withClaims(victim, { iat: now() - 7_200, exp: now() - 1 })],
  ['lives longer than revocations are kept', (victim) => withClaims(victim, { exp: now() + YEAR })],
  ['never expires', (victim) => withClaims(victim, { exp: Number.MAX_SAFE_INTEGER })],
  ['is not valid yet', (victim) => withClaims(victim, { nbf: now() + 600 })],
  ['was issued in the future', (victim) => withClaims(victim, { iat: now() + 600, exp: now() + 1_200 })],
  ['is of a login that has ended', ofEndedSession],
  ['is of an old version', ofOldVersion],
  ['has no claims at all', (victim) => genuine(victim, headerOf(victim), {})],
  ['has a list as payload', (victim) => genuine(victim, headerOf(victim), [victim.claims])],
  ['has null as payload', (victim) => genuine(victim, headerOf(victim), 'null')],
  ['has a payload that is no JSON', (victim) => genuine(victim, headerOf(victim), '{')],
  ['has a header that is no JSON', (victim) => genuine(victim, '{')],
  ['has a header that is a list', (victim) => genuine(victim, [headerOf(victim)])],
];

const damaged: NamedAttack[] = [
  ['has one bit of its header changed', (victim) => changedByte(genuineToken(victim), 0)],
  ['has one bit of its payload changed', (victim) => changedByte(genuineToken(victim), 1)],
  ['has one bit of its signature changed', (victim) => changedByte(genuineToken(victim), 2)],
  ['is spelt with other bits behind its last byte', (victim) => respelt(genuineToken(victim))],
  [
    'has another role written into it',
    (victim) => {
      const [header, , signed] = genuineToken(victim).split('.');
      return `${header}.${encode({ ...victim.claims, role: 'admin', jti: randomUUID() })}.${signed}`;
    },
  ],
  ['lost its last characters', (victim) => genuineToken(victim).slice(0, -4)],
  ['lost its signature', (victim) => genuineToken(victim).split('.').slice(0, 2).join('.')],
  ['lost its header', (victim) => genuineToken(victim).split('.').slice(1).join('.')],
  ['has something after it', (victim) => `${genuineToken(victim)}AAAA`],
  ['has a fourth part', (victim) => `${genuineToken(victim)}.e30`],
  ['is padded', (victim) => `${genuineToken(victim)}==`],
  ['is empty', () => ''],
  ['is no JWT', () => 'abc'],
  ['is two dots', () => '..'],
  ['is too long', (victim) => withClaims(victim, { email: `${'x'.repeat(5_000)}@example.com` })],
];

/** Tokens that nobody may accept, whatever else is right about the request. */
export const tokenAttacks: readonly TokenAttack[] = [
  ...withoutSignature,
  ...withOtherKeys,
  ...withOtherKids,
  ...ofOtherTypes,
  ...withOtherClaims,
  ...damaged,
].map(([name, token]) => ({ name, token }));
