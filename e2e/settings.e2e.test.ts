import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { TIMEOUT } from '@shop/testing';
import { settings } from './support/system.js';

/** Those of a process, in their parts: whole URLs are for tests, which look into the databases as their superuser. */
const ofProcess = Object.fromEntries(
  Object.entries(settings).filter(([name]) => !/(DATABASE|RABBITMQ)_URL$/.test(name)),
);

/** Starts a process with other settings than those of the running system; answers how it ended. */
const start = (workspace: string, changes: Record<string, string>): Promise<{ code: unknown; stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, ...ofProcess, ...changes };
    const main = path.resolve(workspace, 'dist/main.js');
    execFile('node', [main], { env, timeout: TIMEOUT }, (error, _stdout, stderr) => {
      resolve({ code: error?.code, stderr });
    });
  });

const postgres = 'postgresql:// or postgres://';

describe.each([
  ['user-service', 'USER_SERVICE_PORT', 'USER_DATABASE_URL', postgres],
  ['order-service', 'ORDER_SERVICE_PORT', 'ORDER_DATABASE_URL', postgres],
  ['payment-service', 'PAYMENT_SERVICE_PORT', 'PAYMENT_DATABASE_URL', postgres],
  ['gateway', 'GATEWAY_PORT', 'RABBITMQ_URL', 'amqp:// or amqps://'],
])('%s', (workspace, portName, urlName, schemes) => {
  it('with wrong settings -> ends at once, one line a fault', async () => {
    const { code, stderr } = await start(workspace, { [portName]: 'eighty', [urlName]: 'none', JWT_PUBLIC_KEYS: 'x' });
    expect(code).toBe(1);
    expect(new Set(stderr.trim().split('\n'))).toEqual(
      new Set([
        `settings: ${portName} must be a whole number`,
        `settings: ${urlName} must be a URL that starts with ${schemes}`,
        'settings: JWT_PUBLIC_KEYS must be base64 of P-256 public keys in SPKI, separated by commas',
      ]),
    );
  });

  it('in production with the example secrets -> refuses to start', async () => {
    const { code, stderr } = await start(workspace, { NODE_ENV: 'production', RABBITMQ_PASSWORD: 'guest' });
    expect(code).toBe(1);
    expect(stderr).toContain('settings: RABBITMQ_PASSWORD is the example value');
    if (workspace === 'user-service') expect(stderr).toContain('ADMIN_PASSWORD is the example value');
    if (workspace === 'payment-service') expect(stderr).toContain('PAYMENT_PROVIDER');
  });

  it('with a port that is taken -> says so and ends', async () => {
    const { code, stderr } = await start(workspace, {});
    expect(code).toBe(1);
    expect(stderr).toContain('EADDRINUSE');
  });
});

describe('.env.example', () => {
  const example = parseEnv(readFileSync('.env.example', 'utf8')) as Record<string, string>;
  const sourcesIn = (pattern: string) => globSync(pattern, { exclude: (file) => file.includes('.test.') });
  const ours = sourcesIn('*/src/**/*.ts');
  const isNamedIn = (files: readonly string[], name: string) =>
    files.some((file) => new RegExp(`\\b${name}\\b`).test(readFileSync(file, 'utf8')));
  /** Of those that a process of ours reads: in containers there are others, too. */
  const isSecret = ([name, value]: [string, string]) =>
    /(PASSWORD|SECRETS?|PRIVATE_KEY)$/.test(name) && value !== '' && isNamedIn(ours, name);
  const secrets = Object.entries(example).filter(isSecret);
  /** What all processes together have to say about these settings in production. */
  const faultsInProduction = async (changes: Record<string, string>): Promise<string[]> => {
    const workspaces = ['user-service', 'order-service', 'payment-service', 'gateway'];
    const ends = await Promise.all(workspaces.map((one) => start(one, { ...changes, NODE_ENV: 'production' })));
    expect(ends.map(({ code }) => code)).toEqual(workspaces.map(() => 1));
    return ends.flatMap(({ stderr }) => stderr.split('\n'));
  };
  const isNamed = (faults: readonly string[], name: string, fault: RegExp) =>
    faults.some((line) => line.startsWith(`settings: ${name} `) && fault.test(line));

  it('every variable -> read by somebody', () => {
    const readers = [...ours, ...sourcesIn('stack/**/*.ts'), 'docker-compose.yml', 'stack/docker.sh'];

    expect(Object.keys(example).length).toBeGreaterThan(40);
    expect(Object.keys(example).filter((name) => !isNamedIn(readers, name))).toEqual([]);
  });

  it('every secret in it -> refused in production', async () => {
    expect(secrets.length).toBeGreaterThanOrEqual(3);
    const faults = await faultsInProduction({});

    expect(secrets.map(([name]) => name).filter((name) => !isNamed(faults, name, /example value/))).toEqual([]);
  });

  it('every secret of 31 bytes -> refused in production', async () => {
    const short = 'x'.repeat(31);
    const changes = Object.fromEntries(
      Object.entries(example).flatMap(([name, value]): [string, string][] => {
        if (name.endsWith('WEBHOOK_SECRETS')) return [[name, `whsec_${Buffer.from(short).toString('base64')}`]];
        return isSecret([name, value]) ? [[name, short]] : [];
      }),
    );
    const faults = await faultsInProduction(changes);

    expect(secrets.map(([name]) => name).filter((name) => !isNamed(faults, name, /at least 32 bytes/))).toEqual([]);
  });
});
