import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import Stripe from 'stripe';

/** What our code was written and tested for: Stripe answers in it whatever the account's own default is. */
export const STRIPE_API_VERSION = '2026-10-28.endive';

export interface StripeClientOptions {
  secretKey: string;
  /** undefined: Stripe itself. */
  apiUrl: string | undefined;
  /** Milliseconds. */
  timeout: number;
}

/** Stripe's client, without retries of its own: what is unknown is looked up later, by who knows what it was about. */
export function createStripeClient({ secretKey, apiUrl, timeout }: StripeClientOptions): {
  stripe: Stripe;
  close: () => void;
} {
  const url = apiUrl === undefined ? undefined : new URL(apiUrl);
  const isPlain = url?.protocol === 'http:';
  const agent = isPlain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const stripe = new Stripe(secretKey, {
    apiVersion: STRIPE_API_VERSION,
    maxNetworkRetries: 0,
    timeout,
    telemetry: false,
    httpClient: Stripe.createNodeHttpClient(agent),
    ...(url && {
      protocol: isPlain ? 'http' : 'https',
      host: url.hostname,
      port: url.port || (isPlain ? 80 : 443),
    }),
  });
  return { stripe, close: () => agent.destroy() };
}
