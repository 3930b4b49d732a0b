import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { completeEnvironmentFile, fillKeys } from './environment-file.ts';
import { parseEnvironmentText } from './environment-text.ts';

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
      'put fresh secrets into .env',
    ]);
    expect(parseEnvironmentText(read())).toMatchObject({ GATEWAY_PORT: '4000', JWT_ISSUER: 'http://localhost' });
    expect(statSync(path.join(directory, '.env')).mode & 0o777).toBe(0o600);
  });

  it('starts at the same moment -> one of them makes it, and all of them use its secrets', async () => {
    const module = path.join(import.meta.dirname, 'environment-file.ts');
    const script = `
      const { completeEnvironmentFile, readText } = await import(${JSON.stringify(module)});
      const done = completeEnvironmentFile('.');
      console.log(JSON.stringify({ isMaker: done.length > 0, text: readText('.env') }));`;
    const start = () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { cwd: directory });

    const answers = await Promise.all(Array.from({ length: 4 }, start));
    const results = answers.map(({ stdout }) => JSON.parse(stdout) as { isMaker: boolean; text: string });
    expect(results.map(({ text }) => text)).toEqual(Array(4).fill(read()));
    expect(results.filter(({ isMaker }) => isMaker)).toHaveLength(1);
    expect(readdirSync(directory).toSorted()).toEqual(['.env', '.env.example']);
  });

  it('a complete .env -> it is left alone', () => {
    completeEnvironmentFile(directory);
    const before = read();
    expect(completeEnvironmentFile(directory)).toEqual([]);
    expect(read()).toBe(before);
  });

  it('an .env with other values -> only the empty keys change', () => {
    writeFileSync(path.join(directory, '.env'), 'GATEWAY_PORT=5000\nJWT_PRIVATE_KEY=\nJWT_PUBLIC_KEYS=\n# end');
    completeEnvironmentFile(directory, []);
    const lines = read().split('\n');
    expect([lines[0], lines[3]]).toEqual(['GATEWAY_PORT=5000', '# end']);
    expect(lines).toHaveLength(4);
  });

  it('saved with CRLF and a byte order mark -> read alike, and completed once', () => {
    writeFileSync(path.join(directory, '.env'), '\uFEFFGATEWAY_PORT=5000\r\nJWT_PRIVATE_KEY=\r\nJWT_PUBLIC_KEYS=\r\n');
    expect(completeEnvironmentFile(directory, [])).toHaveLength(1);
    expect(parseEnvironmentText(read())).toMatchObject({
      GATEWAY_PORT: '5000',
      JWT_PUBLIC_KEYS: expect.stringMatching(/^\S+$/),
    });
    expect(
      read()
        .split('\n')
        .filter((line) => !line.endsWith('\r')),
    ).toEqual(['']);
    expect(completeEnvironmentFile(directory, [])).toEqual([]);
  });

  it('a name that stands twice -> the last one counts, and is the one that is filled in', () => {
    writeFileSync(path.join(directory, '.env'), 'JWT_PRIVATE_KEY=\nJWT_PUBLIC_KEYS=\nexport JWT_PRIVATE_KEY=\n');
    completeEnvironmentFile(directory, []);
    expect(read()).toMatch(/^JWT_PRIVATE_KEY=\nJWT_PUBLIC_KEYS=\S+\nJWT_PRIVATE_KEY=\S+\n$/);
    expect(completeEnvironmentFile(directory, [])).toEqual([]);
  });

  it('secrets that are made -> each that is empty or missing, once, and no other', () => {
    writeFileSync(path.join(directory, '.env'), 'A_PASSWORD=\nB_PASSWORD=chosen');
    const secrets = ['A_PASSWORD', 'B_PASSWORD', 'C_PASSWORD'];
    expect(completeEnvironmentFile(directory, secrets)).toContain('put fresh secrets into .env');
    const { A_PASSWORD, B_PASSWORD, C_PASSWORD } = parseEnvironmentText(read());
    expect([A_PASSWORD, C_PASSWORD]).toEqual([0, 0].map(() => expect.stringMatching(/^[\w-]{43}$/)));
    expect(A_PASSWORD).not.toBe(C_PASSWORD);
    expect(B_PASSWORD).toBe('chosen');
    expect(completeEnvironmentFile(directory, secrets)).toEqual([]);
  });

  it('secrets that are in files, by .env or the environment -> not made, and a public key belongs to the private one', () => {
    const { JWT_PRIVATE_KEY = '', JWT_PUBLIC_KEYS } = parseEnvironmentText(fillKeys(example));
    const file = path.join(directory, 'key');
    writeFileSync(file, `${JWT_PRIVATE_KEY}\n`);
    writeFileSync(
      path.join(directory, '.env'),
      `JWT_PRIVATE_KEY_FILE=${file}\nFIRST=\nFIRST_FILE=/run/secrets/first\n`,
    );
    const secrets = ['FIRST', 'SECOND', 'THIRD'];
    completeEnvironmentFile(directory, secrets, { SECOND_FILE: '/run/secrets/second' });
    const values = parseEnvironmentText(read());
    expect(values).toMatchObject({ FIRST: '', JWT_PUBLIC_KEYS, THIRD: expect.stringMatching(/^[\w-]{43}$/) });
    expect(values).not.toHaveProperty('SECOND');
    expect(values).not.toHaveProperty('JWT_PRIVATE_KEY');
  });

  it('URLs that an earlier .env.example made of references -> emptied, and said; others stay', () => {
    const earlier = [
      'USER_DATABASE_URL=postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${USER_DB_PORT}/user',
      'SIMULATED_PROVIDER_DATABASE_URL=${PAYMENT_DATABASE_URL}',
      'RABBITMQ_URL=amqp://shop:secret@broker.test',
    ];
    writeFileSync(path.join(directory, '.env'), earlier.join('\n'));
    expect(completeEnvironmentFile(directory)[0]).toMatch(/^emptied the URLs in \.env that were made of /);
    expect(read().split('\n').slice(0, 3)).toEqual([
      'USER_DATABASE_URL=',
      'SIMULATED_PROVIDER_DATABASE_URL=',
      'RABBITMQ_URL=amqp://shop:secret@broker.test',
    ]);
  });

  it('a file in another encoding -> said, and left as it is', () => {
    const utf16 = Buffer.from('\uFEFFGATEWAY_PORT=5000\n', 'utf16le');
    writeFileSync(path.join(directory, '.env'), utf16);
    expect(() => completeEnvironmentFile(directory)).toThrow(/\.env is not text in UTF-8: save it as such$/);
    expect(readFileSync(path.join(directory, '.env'))).toEqual(utf16);
  });
});

describe('fillKeys', () => {
  it('empty keys -> a P-256 pair, each in one line, that signs and verifies', () => {
    const values = parseEnvironmentText(fillKeys(example));
    const privateKey = createPrivateKey({ key: der(values.JWT_PRIVATE_KEY), type: 'pkcs8', format: 'der' });
    const publicKey = createPublicKey({ key: der(values.JWT_PUBLIC_KEYS), type: 'spki', format: 'der' });
    expect(privateKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    const message = Buffer.from('order 1');
    expect(verify('sha256', message, publicKey, sign('sha256', message, privateKey))).toBe(true);
  });

  it('two files -> two different pairs', () => {
    expect(parseEnvironmentText(fillKeys(example)).JWT_PRIVATE_KEY).not.toBe(
      parseEnvironmentText(fillKeys(example)).JWT_PRIVATE_KEY,
    );
  });

  it('a private key alone -> its public key is added', () => {
    const complete = parseEnvironmentText(fillKeys(example));
    const values = parseEnvironmentText(fillKeys(`JWT_PRIVATE_KEY=${complete.JWT_PRIVATE_KEY}\n`));
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
