import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SettingsError, type Environment } from '@shop/common/config';
import { loadConfig, loadReconciliationConfig } from './config.js';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const environment: Environment = {
  JWT_PUBLIC_KEYS: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  PAYMENT_DATABASE_URL: 'postgresql://postgres:password@127.0.0.1:5434/payment',
  SIMULATED_PROVIDER_DATABASE_URL: 'postgresql://postgres:password@127.0.0.1:5434/payment',
  RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:5672',
  ORDER_SERVICE_URL: 'http://127.0.0.1:8082',
  SIMULATED_WEBHOOK_SECRETS: 'whsec_ZGV2ZWxvcG1lbnQtb25seS13ZWJob29rLXNlY3JldCE=',
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

  const secretOf = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`;

  it('two secrets for webhooks -> both, the first one first', () => {
    const [first, second] = [secretOf(64), secretOf(24)];
    const { simulatedWebhookSecrets } = loadConfig({
      ...environment,
      SIMULATED_WEBHOOK_SECRETS: ` ${first}, ${second} `,
    });
    expect(simulatedWebhookSecrets.map((secret) => `whsec_${secret.toString('base64')}`)).toEqual([first, second]);
  });

  it.each(['secret', 'whsec_', 'whsec_!!!!', secretOf(23), secretOf(65), `${secretOf(32)},`, secretOf(32).slice(6)])(
    'a secret for webhooks such as %s -> refused',
    (SIMULATED_WEBHOOK_SECRETS) => {
      expect(faultsOf({ SIMULATED_WEBHOOK_SECRETS })).toEqual([
        'SIMULATED_WEBHOOK_SECRETS must be whsec_ and the base64 of 24 to 64 bytes; several with commas between',
      ]);
    },
  );

  it('in production an example among the secrets for webhooks, or a short one -> refused', () => {
    const example = environment.SIMULATED_WEBHOOK_SECRETS ?? '';
    const faults = (SIMULATED_WEBHOOK_SECRETS: string) =>
      faultsOf({ NODE_ENV: 'production', SIMULATED_WEBHOOK_SECRETS }).filter((fault) => fault.includes('WEBHOOK'));
    expect(faults(`${secretOf(32)},${example}`)).toEqual([
      'SIMULATED_WEBHOOK_SECRETS has the example value, which production refuses',
    ]);
    expect(faults(secretOf(31))).toEqual(['SIMULATED_WEBHOOK_SECRETS must have at least 32 bytes each in production']);
    expect(faults(secretOf(32))).toEqual([]);
  });

  it('what the comparison with the provider needs -> its own few settings, with the same faults', () => {
    const { PAYMENT_DATABASE_URL, SIMULATED_PROVIDER_DATABASE_URL } = environment;
    expect(loadReconciliationConfig({ PAYMENT_DATABASE_URL, SIMULATED_PROVIDER_DATABASE_URL })).toEqual({
      provider: 'simulated',
      databaseUrl: PAYMENT_DATABASE_URL,
      simulatedProviderDatabaseUrl: SIMULATED_PROVIDER_DATABASE_URL,
      providerTimeout: 5_000,
    });
    const ownLedger = loadReconciliationConfig({ PAYMENT_DATABASE_URL });
    expect(ownLedger.simulatedProviderDatabaseUrl).toBe(PAYMENT_DATABASE_URL);
    expect(() => loadReconciliationConfig({ ...environment, NODE_ENV: 'production' })).toThrow(
      'PAYMENT_PROVIDER is simulated',
    );
  });
});
