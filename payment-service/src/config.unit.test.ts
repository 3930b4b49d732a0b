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

const stripe = {
  STRIPE_SECRET_KEY: `sk_test_${'0'.repeat(32)}`,
  STRIPE_WEBHOOK_SECRETS: `whsec_${'0'.repeat(32)}`,
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
    const faults = faultsOf({ ORDER_SERVICE_URL: undefined, PROVIDER_TIMEOUT: '5', PAYMENT_PROVIDERS: 'paypal' });
    expect(faults).toHaveLength(3);
    expect(faults).toEqual(
      expect.arrayContaining([
        'ORDER_SERVICE_URL is missing',
        expect.stringMatching(/^PROVIDER_TIMEOUT must be a length of time/),
        'PAYMENT_PROVIDERS must be one or more of simulated, stripe, each once, with commas between',
      ]),
    );
  });

  const refusal = 'PAYMENT_PROVIDERS has simulated, which takes no money: production refuses it';

  it.each([undefined, '', 'simulated', 'stripe,simulated'])(
    'in production the simulated provider (%j) -> refused',
    (PAYMENT_PROVIDERS) => {
      expect(faultsOf({ NODE_ENV: 'production', PAYMENT_PROVIDERS })).toContain(refusal);
    },
  );

  it('the one provider that could be named before there were several -> means the same', () => {
    expect(loadConfig({ ...environment, PAYMENT_PROVIDER: 'simulated' }).providers).toEqual(['simulated']);
    expect(faultsOf({ NODE_ENV: 'production', PAYMENT_PROVIDER: 'simulated' })).toContain(refusal);
    const both = { ...environment, ...stripe, PAYMENT_PROVIDERS: 'stripe,simulated', PAYMENT_PROVIDER: 'simulated' };
    expect(loadConfig(both).providers).toEqual(['stripe', 'simulated']);
  });

  it.each(['simulated,simulated', 'simulated,', 'simulated paypal', ','])(
    'providers %j -> refused',
    (PAYMENT_PROVIDERS) => {
      expect(faultsOf({ PAYMENT_PROVIDERS })).toEqual([
        expect.stringMatching(/^PAYMENT_PROVIDERS must be one or more of/),
      ]);
    },
  );

  it('a provider that is not set up -> none of its settings is read', () => {
    const { SIMULATED_PROVIDER_DATABASE_URL: _url, SIMULATED_WEBHOOK_SECRETS: _secrets, ...others } = environment;
    const config = loadConfig({ ...others, ...stripe, PAYMENT_PROVIDERS: 'stripe' });
    expect(config).toMatchObject({ providers: ['stripe'], simulated: undefined, stripe: { mode: 'test' } });
    expect(loadConfig({ ...environment, STRIPE_SECRET_KEY: 'none' }).stripe).toBeUndefined();
  });

  it.each([
    ['development', 'test', undefined, undefined],
    ['development', 'live', undefined, 'STRIPE_SECRET_KEY is a live key, which only production takes'],
    ['development', 'live', 'live', 'STRIPE_SECRET_KEY is a live key, which only production takes'],
    ['production', 'live', undefined, undefined],
    [
      'production',
      'test',
      undefined,
      'STRIPE_SECRET_KEY is a test key, which production takes with STRIPE_MODE=test only',
    ],
    ['production', 'test', 'test', undefined],
    ['production', 'live', 'test', 'STRIPE_SECRET_KEY is a live key, but STRIPE_MODE is test'],
    ['development', 'test', 'both', 'STRIPE_MODE must be one of test, live'],
  ])('in %s a key of mode %s, with STRIPE_MODE %j -> %j', (NODE_ENV, mode, STRIPE_MODE, fault) => {
    const STRIPE_SECRET_KEY = stripe.STRIPE_SECRET_KEY.replace('test', mode);
    const faults = faultsOf({ ...stripe, NODE_ENV, PAYMENT_PROVIDERS: 'stripe', STRIPE_SECRET_KEY, STRIPE_MODE });
    expect(faults.filter((one) => one.startsWith('STRIPE'))).toEqual(fault === undefined ? [] : [fault]);
  });

  it('settings of Stripe that are missing, malformed or too short for production -> one fault each', () => {
    expect(faultsOf({ PAYMENT_PROVIDERS: 'stripe' })).toEqual([
      'STRIPE_SECRET_KEY is missing',
      'STRIPE_WEBHOOK_SECRETS is missing',
    ]);
    const short = {
      STRIPE_SECRET_KEY: 'sk_live_0123456789',
      STRIPE_WEBHOOK_SECRETS: 'whsec_0123456789abcdef',
      STRIPE_API_URL: 'http://stripe.example',
    };
    const faults = faultsOf({ ...short, NODE_ENV: 'production', PAYMENT_PROVIDERS: 'stripe' });
    expect(faults.filter((one) => one.startsWith('STRIPE'))).toEqual([
      'STRIPE_SECRET_KEY must have at least 32 bytes in production',
      'STRIPE_WEBHOOK_SECRETS must have at least 32 bytes each in production',
      'STRIPE_API_URL must be https:// in production',
    ]);
    const malformed = { STRIPE_SECRET_KEY: 'pk_test_0123456789', STRIPE_WEBHOOK_SECRETS: 'whsec_0123456789abcdef,' };
    expect(faultsOf({ ...malformed, PAYMENT_PROVIDERS: 'stripe' })).toEqual([
      expect.stringMatching(/^STRIPE_SECRET_KEY must be a secret or restricted key/),
      expect.stringMatching(/^STRIPE_WEBHOOK_SECRETS must be whsec_/),
    ]);
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
    const { simulated } = loadConfig({
      ...environment,
      SIMULATED_WEBHOOK_SECRETS: ` ${first}, ${second} `,
    });
    expect(simulated?.webhookSecrets.map((secret) => `whsec_${secret.toString('base64')}`)).toEqual([first, second]);
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

  it('what the comparison with the providers needs -> its own few settings, with the same faults', () => {
    const { PAYMENT_DATABASE_URL, SIMULATED_PROVIDER_DATABASE_URL, SIMULATED_WEBHOOK_SECRETS } = environment;
    const own = { PAYMENT_DATABASE_URL, SIMULATED_PROVIDER_DATABASE_URL, SIMULATED_WEBHOOK_SECRETS };
    expect(loadReconciliationConfig(own)).toMatchObject({
      providers: ['simulated'],
      databaseUrl: PAYMENT_DATABASE_URL,
      simulated: { databaseUrl: SIMULATED_PROVIDER_DATABASE_URL },
      providerTimeout: 5_000,
    });
    const ownLedger = loadReconciliationConfig({ PAYMENT_DATABASE_URL, SIMULATED_WEBHOOK_SECRETS });
    expect(ownLedger.simulated?.databaseUrl).toBe(PAYMENT_DATABASE_URL);
    expect(() => loadReconciliationConfig({ ...environment, NODE_ENV: 'production' })).toThrow(refusal);
  });
});
