import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { settings } from './support/system.js';

/** Starts a process with other settings than those of the running system; answers how it ended. */
const start = (workspace: string, changes: Record<string, string>): Promise<{ code: unknown; stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, ...settings, ...changes };
    const main = path.resolve(workspace, 'dist/main.js');
    execFile('node', [main], { env, timeout: 15_000 }, (error, _stdout, stderr) => {
      resolve({ code: error?.code, stderr });
    });
  });

describe.each([
  ['user-service', 'USER_SERVICE_PORT', 'USER_DATABASE_URL'],
  ['order-service', 'ORDER_SERVICE_PORT', 'ORDER_DATABASE_URL'],
  ['payment-service', 'PAYMENT_SERVICE_PORT', 'PAYMENT_DATABASE_URL'],
  ['gateway', 'GATEWAY_PORT', 'RABBITMQ_URL'],
])('%s', (workspace, portName, urlName) => {
  it('with wrong settings -> ends at once, one line a fault', async () => {
    const { code, stderr } = await start(workspace, { [portName]: 'eighty', [urlName]: '', JWT_PUBLIC_KEYS: 'x' });
    expect(code).toBe(1);
    expect(new Set(stderr.trim().split('\n'))).toEqual(
      new Set([
        `settings: ${portName} must be a whole number`,
        `settings: ${urlName} is missing`,
        'settings: JWT_PUBLIC_KEYS must be base64 of P-256 public keys in SPKI, separated by commas',
      ]),
    );
  });

  it('in production with the example secrets -> refuses to start', async () => {
    const { code, stderr } = await start(workspace, { NODE_ENV: 'production' });
    expect(code).toBe(1);
    expect(stderr).toContain('settings: RABBITMQ_URL has a password that is the example value');
    if (workspace !== 'gateway') expect(stderr).toContain(`${urlName} has a password that is the example value`);
    if (workspace === 'user-service') expect(stderr).toContain('ADMIN_PASSWORD is the example value');
    if (workspace === 'payment-service') expect(stderr).toContain('PAYMENT_PROVIDER');
  });

  it('with a port that is taken -> says so and ends', async () => {
    const { code, stderr } = await start(workspace, {});
    expect(code).toBe(1);
    expect(stderr).toContain('EADDRINUSE');
  });
});
