import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SettingsError, type Environment } from '@shop/common/config';
import { loadConfig } from './config.js';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const environment: Environment = {
  JWT_PUBLIC_KEYS: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  PAYMENT_DATABASE_URL: 'postgresql://postgres:password@127.0.0.1:5434/payment',
  SIMULATED_PROVIDER_DATABASE_URL: 'postgresql://postgres:password@127.0.0.1:5434/payment',
  RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:5672',
  ORDER_SERVICE_URL: 'http://127.0.0.1:8082',
};

function faultsOf(changes: Environment): readonly string[] {
  try {
    loadConfig({ ...environment, ...changes });
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('settings', () => {
  it('what is not said -> defaults that work in development', () => {
    expect(loadConfig(environment)).toMatchObject({ port: 8083, providerTimeout: 5_000, requestsPerSecond: 500 });
  });

  it('missing and malformed -> one fault each, naming the variable', () => {
    const faults = faultsOf({ ORDER_SERVICE_URL: undefined, PROVIDER_TIMEOUT: '5', PAYMENT_PROVIDER: 'paypal' });
    expect(faults).toHaveLength(3);
    expect(faults).toEqual(
      expect.arrayContaining([
        'ORDER_SERVICE_URL is missing',
        expect.stringMatching(/^PROVIDER_TIMEOUT must be a length of time/),
        'PAYMENT_PROVIDER must be one of simulated',
      ]),
    );
  });

  it.each([undefined, '', 'simulated'])('in production the simulated provider (%j) -> refused', (PAYMENT_PROVIDER) => {
    const faults = faultsOf({ NODE_ENV: 'production', PAYMENT_PROVIDER });
    expect(faults).toContain('PAYMENT_PROVIDER is simulated, which takes no money: production refuses it');
  });

  it('in production the example passwords -> refused', () => {
    const faults = faultsOf({ NODE_ENV: 'production' });
    for (const name of ['PAYMENT_DATABASE_URL', 'SIMULATED_PROVIDER_DATABASE_URL', 'RABBITMQ_URL']) {
      expect(faults).toContainEqual(expect.stringMatching(new RegExp(`^${name} has a password that is the example`)));
    }
  });
});
