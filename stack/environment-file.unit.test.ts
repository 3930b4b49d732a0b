import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { completeEnvironmentFile, fillKeys } from './environment-file.ts';

const example = 'GATEWAY_PORT=4000\n# keys\nJWT_PRIVATE_KEY=\nJWT_PUBLIC_KEYS=\nJWT_ISSUER=http://localhost\n';

const der = (value: string | undefined) => Buffer.from(value ?? '', 'base64');

describe('completeEnvironmentFile', () => {
  let directory: string;
  const read = () => readFileSync(path.join(directory, '.env'), 'utf8');

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'shop-env-'));
    writeFileSync(path.join(directory, '.env.example'), example);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('no .env -> it is made from the example, with fresh keys, readable by its owner only', () => {
    expect(completeEnvironmentFile(directory)).toEqual([
      'made .env from .env.example',
      'put a fresh key pair for access tokens into .env',
    ]);
    expect(parseEnv(read())).toMatchObject({ GATEWAY_PORT: '4000', JWT_ISSUER: 'http://localhost' });
    expect(statSync(path.join(directory, '.env')).mode & 0o777).toBe(0o600);
  });

  it('a complete .env -> it is left alone', () => {
    completeEnvironmentFile(directory);
    const before = read();
    expect(completeEnvironmentFile(directory)).toEqual([]);
    expect(read()).toBe(before);
  });

  it('an .env with other values -> only the empty keys change', () => {
    writeFileSync(path.join(directory, '.env'), 'GATEWAY_PORT=5000\nJWT_PRIVATE_KEY=\nJWT_PUBLIC_KEYS=\n# end');
    completeEnvironmentFile(directory);
    const lines = read().split('\n');
    expect([lines[0], lines[3]]).toEqual(['GATEWAY_PORT=5000', '# end']);
    expect(lines).toHaveLength(4);
  });
});

describe('fillKeys', () => {
  it('empty keys -> a P-256 pair, each in one line, that signs and verifies', () => {
    const values = parseEnv(fillKeys(example));
    const privateKey = createPrivateKey({ key: der(values.JWT_PRIVATE_KEY), type: 'pkcs8', format: 'der' });
    const publicKey = createPublicKey({ key: der(values.JWT_PUBLIC_KEYS), type: 'spki', format: 'der' });
    expect(privateKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    const message = Buffer.from('order 1');
    expect(verify('sha256', message, publicKey, sign('sha256', message, privateKey))).toBe(true);
  });

  it('two files -> two different pairs', () => {
    expect(parseEnv(fillKeys(example)).JWT_PRIVATE_KEY).not.toBe(parseEnv(fillKeys(example)).JWT_PRIVATE_KEY);
  });

  it('a private key alone -> its public key is added', () => {
    const complete = parseEnv(fillKeys(example));
    const values = parseEnv(fillKeys(`JWT_PRIVATE_KEY=${complete.JWT_PRIVATE_KEY}\n`));
    expect(values).toEqual({
      JWT_PRIVATE_KEY: complete.JWT_PRIVATE_KEY,
      JWT_PUBLIC_KEYS: complete.JWT_PUBLIC_KEYS,
    });
  });

  it('public keys alone -> refused: a fresh private key would not belong to them', () => {
    expect(() => fillKeys('JWT_PRIVATE_KEY=\nJWT_PUBLIC_KEYS=abc\n')).toThrow('empty both to get a fresh pair');
  });

  it('a private key that is none -> refused, without showing it', () => {
    expect(() => fillKeys('JWT_PRIVATE_KEY=bm9uc2Vuc2U=\n')).toThrow(
      /^JWT_PRIVATE_KEY in \.env is not base64 of a PKCS#8 key$/,
    );
  });
});
