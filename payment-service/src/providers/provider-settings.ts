import {
  databaseUrl,
  duration,
  isSecretGiven,
  loadSettings,
  optional,
  readAs,
  SettingsError,
  url,
  type Environment,
  type Setting,
  type Settings,
} from '@shop/common/config';
import { stripeKey, stripeKeyFault, stripeWebhookSecrets, type StripeMode } from './stripe/stripe-secrets.js';
import { webhookSecrets } from './webhook-secrets.js';

export const providerNames = ['simulated', 'stripe'] as const;
export type ProviderName = (typeof providerNames)[number];

export interface SimulatedConfig {
  databaseUrl: string;
  /** The first one signs; each is good. */
  webhookSecrets: readonly [Buffer, ...Buffer[]];
  /** undefined: the service itself. */
  webhookUrl: string | undefined;
}

export interface StripeConfig {
  secretKey: string;
  mode: StripeMode;
  /** Several while they rotate: each is good. */
  webhookSecrets: readonly [string, ...string[]];
  /** Seconds. */
  webhookTolerance: number;
  /** undefined: Stripe itself. */
  apiUrl: string | undefined;
  /** Where customers come back to from their bank; undefined: banks are only asked in the shop's own page. */
  returnUrl: string | undefined;
}

/** The providers that are set up. Those that aren't have no settings. */
export interface ProvidersConfig {
  /** The first one takes new payments. */
  providers: readonly [ProviderName, ...ProviderName[]];
  simulated?: SimulatedConfig | undefined;
  stripe?: StripeConfig | undefined;
}

const isName = (word: string): word is ProviderName => (providerNames as readonly string[]).includes(word);

const names: Setting<ProvidersConfig['providers']> = {
  ...readAs<ProvidersConfig['providers']>(
    (value) => {
      const words = value.split(',').map((word) => word.trim());
      const [first, ...others] = words.filter(isName);
      const isWhole = first !== undefined && new Set([first, ...others]).size === words.length;
      return isWhole ? [first, ...others] : undefined;
    },
    `must be one or more of ${providerNames.join(', ')}, each once, with commas between`,
  ),
  productionFault: (value) =>
    value.includes('simulated') ? 'has simulated, which takes no money: production refuses it' : undefined,
};

/** A role of its own in payment-service's database, unless that is given as a whole, by whoever looks after it. */
function ledgerDatabase(): Setting<string> {
  const inParts = databaseUrl({
    host: 'PAYMENT_DB_HOST',
    port: 'PAYMENT_DB_PORT',
    user: 'SIMULATED_PROVIDER_DB_USER',
    password: 'SIMULATED_PROVIDER_DB_PASSWORD',
    name: 'PAYMENT_DB_NAME',
  });
  return {
    ...inParts,
    compose: (environment) =>
      isSecretGiven('PAYMENT_DATABASE_URL', environment) ? undefined : inParts.compose?.(environment),
  };
}

const simulated = {
  SIMULATED_PROVIDER_DATABASE_URL: optional(ledgerDatabase()),
  SIMULATED_WEBHOOK_SECRETS: webhookSecrets({ examples: ['whsec_ZGV2ZWxvcG1lbnQtb25seS13ZWJob29rLXNlY3JldCE='] }),
  SIMULATED_WEBHOOK_URL: optional(url({ schemes: ['http', 'https'] })),
};

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const stripe = {
  STRIPE_SECRET_KEY: stripeKey(),
  STRIPE_WEBHOOK_SECRETS: stripeWebhookSecrets(),
  STRIPE_WEBHOOK_TOLERANCE: duration({ default: '5m' }),
  STRIPE_API_URL: optional({
    ...url({ schemes: ['http', 'https'] }),
    productionFault: (value) => {
      const { protocol, hostname } = new URL(value);
      return protocol === 'https:' || LOOPBACK.test(hostname) ? undefined : 'must be https:// in production';
    },
  }),
  STRIPE_RETURN_URL: optional(url({ schemes: ['http', 'https'] })),
};

/**
 * Reads the settings of the providers that are set up. Answers what they are beside a database of ours, where the simulated
 * provider keeps its ledger if nothing else is said; undefined where it has added to `faults`.
 */
export function gatherProviders(
  faults: string[],
  environment: Environment,
): ((databaseUrl: string) => ProvidersConfig) | undefined {
  const faultsBefore = faults.length;
  const named = withNames(environment);
  gatherSettings(faults, { PAYMENT_PROVIDERS: names }, named);
  // Of a provider that production refuses the settings are looked at, too, so that all faults come at once.
  const providers = names.schema.safeParse(named.PAYMENT_PROVIDERS).data;
  const isSetUp = (name: ProviderName): boolean => providers?.includes(name) ?? false;
  const simulatedValues = isSetUp('simulated') ? gatherSettings(faults, simulated, environment) : undefined;
  const stripeValues = isSetUp('stripe') ? gatherSettings(faults, stripe, environment) : undefined;
  const keyFault = stripeValues && stripeKeyFault(stripeValues.STRIPE_SECRET_KEY, environment);
  if (keyFault !== undefined) faults.push(keyFault);
  if (faults.length > faultsBefore || providers === undefined) return undefined;
  return (databaseUrl) => ({
    providers,
    simulated: simulatedValues && {
      databaseUrl: simulatedValues.SIMULATED_PROVIDER_DATABASE_URL ?? databaseUrl,
      webhookSecrets: simulatedValues.SIMULATED_WEBHOOK_SECRETS,
      webhookUrl: simulatedValues.SIMULATED_WEBHOOK_URL,
    },
    stripe: stripeValues && {
      secretKey: stripeValues.STRIPE_SECRET_KEY.key,
      mode: stripeValues.STRIPE_SECRET_KEY.mode,
      webhookSecrets: stripeValues.STRIPE_WEBHOOK_SECRETS,
      webhookTolerance: Math.ceil(stripeValues.STRIPE_WEBHOOK_TOLERANCE / 1_000),
      apiUrl: stripeValues.STRIPE_API_URL,
      returnUrl: stripeValues.STRIPE_RETURN_URL,
    },
  });
}

/** With the names written out, so that production refuses the default like any other value. */
const withNames = (environment: Environment): Environment => ({
  ...environment,
  // PAYMENT_PROVIDER is how one was named when there could be one only.
  PAYMENT_PROVIDERS: environment.PAYMENT_PROVIDERS?.trim() || environment.PAYMENT_PROVIDER?.trim() || 'simulated',
});

/** The settings; undefined where it has added to `faults`. */
export function gatherSettings<S extends Record<string, Setting<unknown>>>(
  faults: string[],
  settings: S,
  environment: Environment,
): Settings<S> | undefined {
  try {
    return loadSettings(settings, environment);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}
