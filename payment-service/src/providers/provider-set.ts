import { randomUUIDv7 as newId } from 'node:crypto';
import type { Logger } from '@shop/common/logger';
import { ManualProvider } from './manual/manual-provider.js';
import type { PaymentProvider, ProviderLedger } from './payment-provider.js';
import type { ProviderName, ProvidersConfig, SimulatedConfig, StripeConfig } from './provider-settings.js';
import { Providers } from './providers.js';
import { SimulatedLedger } from './simulated/simulated-ledger.js';
import { SimulatedProvider } from './simulated/simulated-provider.js';
import { SimulatedWebhookReader } from './simulated/simulated-webhook-reader.js';
import { SimulatedWebhookSender } from './simulated/simulated-webhook-sender.js';
import { createStripeClient } from './stripe/stripe-client.js';
import { StripeLedger } from './stripe/stripe-ledger.js';
import { StripeProvider } from './stripe/stripe-provider.js';
import { StripeWebhookReader } from './stripe/stripe-webhook-reader.js';
import type { WebhookReader } from './webhook-reader.js';

/** The share of its time to answer: past that it's known that the provider wasn't reached, at the end of its time nothing is. */
const CONNECTING = 0.8;

/** A provider, and all that belongs to it. */
interface SetUpProvider {
  provider: PaymentProvider;
  ledger: ProviderLedger;
  reader: WebhookReader;
  stop(): Promise<void>;
}

export interface ProviderSetOptions {
  config: ProvidersConfig;
  /** Milliseconds that a provider has to answer. */
  timeout: number;
  logger: Logger;
  clock: () => Date;
  /** Where this process takes webhooks of the provider of that name. */
  webhookUrl: (name: ProviderName) => string;
}

/** The providers that are set up. */
export class ProviderSet {
  readonly providers: Providers;
  /** By the name of the provider. */
  readonly readers: ReadonlyMap<string, WebhookReader>;
  readonly ledgers: ReadonlyMap<string, ProviderLedger>;
  readonly #members: readonly SetUpProvider[];

  constructor(options: ProviderSetOptions) {
    const [first, ...others] = options.config.providers;
    const members: [SetUpProvider, ...SetUpProvider[]] = [
      setUp(first, options),
      ...others.map((name) => setUp(name, options)),
    ];
    this.#members = members;
    this.providers = new Providers({
      online: [members[0].provider, ...members.slice(1).map(({ provider }) => provider)],
      byHand: new ManualProvider(),
      timeout: options.timeout,
    });
    this.readers = new Map(members.map(({ provider, reader }) => [provider.name, reader]));
    this.ledgers = new Map(members.map(({ provider, ledger }) => [provider.name, ledger]));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.stop()));
  }
}

function setUp(name: ProviderName, options: ProviderSetOptions): SetUpProvider {
  const { simulated, stripe } = options.config;
  if (name === 'simulated' && simulated !== undefined) return setUpSimulated(simulated, options);
  if (name === 'stripe' && stripe !== undefined) return setUpStripe(stripe, options);
  throw new Error(`provider ${name} has no settings`);
}

function setUpSimulated(
  config: SimulatedConfig,
  { timeout, logger, clock, webhookUrl }: ProviderSetOptions,
): SetUpProvider {
  const ledger = new SimulatedLedger({
    url: config.databaseUrl,
    connectTimeout: timeout * CONNECTING,
    newId,
    onConnectionLost: (err) => logger.warn('connection to the simulated provider lost', { err }),
  });
  const webhooks = new SimulatedWebhookSender({
    url: () => config.webhookUrl ?? webhookUrl('simulated'),
    secret: config.webhookSecrets[0],
    clock,
    logger,
  });
  return {
    provider: new SimulatedProvider({ ledger, webhooks }),
    ledger,
    reader: new SimulatedWebhookReader({ secrets: config.webhookSecrets }),
    stop: async () => {
      await webhooks.stop();
      await ledger.close();
    },
  };
}

function setUpStripe(config: StripeConfig, { timeout }: ProviderSetOptions): SetUpProvider {
  const { secretKey, apiUrl, returnUrl, webhookSecrets: secrets, webhookTolerance: tolerance, mode } = config;
  const { stripe, close } = createStripeClient({ secretKey, apiUrl, timeout });
  return {
    provider: new StripeProvider({ stripe, returnUrl }),
    ledger: new StripeLedger({ stripe }),
    reader: new StripeWebhookReader({ secrets, tolerance, mode }),
    stop: () => {
      close();
      return Promise.resolve();
    },
  };
}
