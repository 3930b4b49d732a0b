import { readAs, type Environment, type Setting } from '@shop/common/config';

export type StripeMode = 'test' | 'live';

export interface StripeKey {
  readonly key: string;
  readonly mode: StripeMode;
}

/** Secret (sk) and restricted (rk) keys say in themselves whether they move real money. */
const KEY = /^(?:sk|rk)_(test|live)_[A-Za-z0-9]{10,}$/;
const WEBHOOK_SECRET = /^whsec_[A-Za-z0-9+/=_-]{16,}$/;
const MIN_BYTES = 32;

export const stripeKey = (): Setting<StripeKey> => ({
  ...readAs<StripeKey>((key) => {
    const mode = KEY.exec(key)?.[1];
    return mode === 'test' || mode === 'live' ? { key, mode } : undefined;
  }, 'must be a secret or restricted key of Stripe: sk_test_, sk_live_, ...'),
  isSecret: true,
  productionFault: (value) =>
    Buffer.byteLength(value) < MIN_BYTES ? `must have at least ${MIN_BYTES} bytes in production` : undefined,
});

/** As Stripe gives them, separated by commas while they rotate. */
export const stripeWebhookSecrets = (): Setting<readonly [string, ...string[]]> => ({
  ...readAs<readonly [string, ...string[]]>((value) => {
    const [first, ...others] = value.split(',').map((part) => part.trim());
    const isWhole = first !== undefined && [first, ...others].every((part) => WEBHOOK_SECRET.test(part));
    return isWhole ? [first, ...others] : undefined;
  }, 'must be whsec_ and what Stripe gave; several with commas between'),
  isSecret: true,
  productionFault: (value) =>
    value.split(',').some((part) => Buffer.byteLength(part.trim()) < MIN_BYTES)
      ? `must have at least ${MIN_BYTES} bytes each in production`
      : undefined,
});

/**
 * Why a key is of the wrong mode here, if it is. A live key moves real money, so nothing but production may hold one. A test
 * key in production would confirm orders that nobody has paid: STRIPE_MODE=test says that it is meant.
 */
export function stripeKeyFault({ mode }: StripeKey, { NODE_ENV, STRIPE_MODE }: Environment): string | undefined {
  const isProduction = NODE_ENV === 'production';
  const wanted = STRIPE_MODE?.trim() || (isProduction ? 'live' : 'test');
  if (wanted !== 'test' && wanted !== 'live') return 'STRIPE_MODE must be one of test, live';
  if (mode === 'live' && !isProduction) return 'STRIPE_SECRET_KEY is a live key, which only production takes';
  if (mode === wanted) return undefined;
  return mode === 'test'
    ? 'STRIPE_SECRET_KEY is a test key, which production takes with STRIPE_MODE=test only'
    : 'STRIPE_SECRET_KEY is a live key, but STRIPE_MODE is test';
}
