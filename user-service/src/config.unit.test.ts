import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { SettingsError } from '@shop/common/config';
import { loadConfig } from './config.js';

const keyPair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    JWT_PRIVATE_KEY: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    JWT_PUBLIC_KEYS: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  };
};

const environment = {
  ...keyPair(),
  USER_DATABASE_URL: 'postgresql://postgres:password@127.0.0.1:5432/user',
  RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:5672',
  REFRESH_TOKEN_SECRET: 'development-only-refresh-token-secret',
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'admin-password',
};

const production = {
  ...environment,
  NODE_ENV: 'production',
  USER_DATABASE_URL: `postgresql://shop:${'p'.repeat(32)}@127.0.0.1:5432/user`,
  RABBITMQ_URL: `amqp://shop:${'p'.repeat(32)}@127.0.0.1:5672`,
  REFRESH_TOKEN_SECRET: 's'.repeat(32),
  ADMIN_PASSWORD: 'a'.repeat(32),
};

function faultsOf(changed: Record<string, string | undefined>): readonly string[] {
  try {
    loadConfig(changed);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
}

describe('settings', () => {
  it('the examples -> good for development, defaults filled in', () => {
    expect(loadConfig({ ...environment, ADMIN_EMAIL: 'Admin@Example.com' })).toMatchObject({
      port: 8_081,
      host: '127.0.0.1',
      bcryptCost: 12,
      accessTokenLifetime: 3_600_000,
      firstAdmin: { email: 'admin@example.com', password: 'admin-password' },
    });
  });

  it('no first admin -> none', () => {
    expect(loadConfig({ ...environment, ADMIN_EMAIL: '', ADMIN_PASSWORD: '' }).firstAdmin).toBeUndefined();
  });

  it('nothing at all -> one line for each that is missing', () => {
    expect(faultsOf({})).toEqual([
      'RABBITMQ_URL is missing',
      'JWT_PUBLIC_KEYS is missing',
      'JWT_PRIVATE_KEY is missing',
      'REFRESH_TOKEN_SECRET is missing',
      'USER_DATABASE_URL is missing',
    ]);
  });

  it.each([
    ['JWT_PRIVATE_KEY', 'x', 'JWT_PRIVATE_KEY must be base64 of a P-256 private key in PKCS#8'],
    ['JWT_PUBLIC_KEYS', keyPair().JWT_PUBLIC_KEYS, 'JWT_PUBLIC_KEYS must contain the public key of JWT_PRIVATE_KEY'],
    ['BCRYPT_COST', '3', 'BCRYPT_COST must be from 4 to 15'],
    ['ADMIN_EMAIL', 'admin', 'ADMIN_EMAIL Invalid email format'],
    ['ADMIN_EMAIL', '', 'ADMIN_EMAIL and ADMIN_PASSWORD must be set both or neither'],
    ['ADMIN_PASSWORD', 'short', 'ADMIN_PASSWORD must have 8 to 72 bytes'],
  ])('%s=%.10s -> refused', (name, value, fault) => {
    expect(faultsOf({ ...environment, [name]: value })).toEqual([fault]);
  });

  it('keys that rotate -> the signing key is one of them', () => {
    const JWT_PUBLIC_KEYS = `${keyPair().JWT_PUBLIC_KEYS},${environment.JWT_PUBLIC_KEYS}`;
    expect(loadConfig({ ...environment, JWT_PUBLIC_KEYS }).publicKeys).toHaveLength(2);
  });

  it('production -> own secrets are taken', () => {
    expect(faultsOf(production)).toEqual([]);
  });

  it.each([
    ['REFRESH_TOKEN_SECRET', environment.REFRESH_TOKEN_SECRET],
    ['REFRESH_TOKEN_SECRET', 's'.repeat(31)],
    ['REFRESH_TOKEN_OTHER_SECRET', 's'.repeat(31)],
    ['ADMIN_PASSWORD', environment.ADMIN_PASSWORD],
    ['ADMIN_PASSWORD', 'a'.repeat(31)],
    ['USER_DATABASE_URL', environment.USER_DATABASE_URL],
    ['RABBITMQ_URL', environment.RABBITMQ_URL],
    ['BCRYPT_COST', '11'],
    ['USER_DATABASE_URL', 'postgresql://127.0.0.1:5432/user'],
    ['RABBITMQ_URL', 'amqp://127.0.0.1:5672'],
  ])('production with %s=%.45s -> refused', (name, value) => {
    const faults = faultsOf({ ...production, [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${name} `));
  });
});
