import Stripe from 'stripe';
import { ProviderNotReached, ProviderOutcomeUnknown } from '../payment-provider.js';

/** No connection was made. */
const UNCONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
/** Stripe refuses these before it does anything: no key, no right, too many at once. */
const REFUSED_AT_THE_DOOR = new Set([401, 403, 429]);

/**
 * What an error of Stripe's package means for the money: ProviderNotReached where nothing can have happened, else
 * ProviderOutcomeUnknown (409, 5xx, timeouts, lost connections). Neither holds the package's error, whose objects have card
 * data and client secrets in them.
 */
export function providerErrorOf(error: unknown): Error {
  if (!(error instanceof Stripe.errors.StripeError)) {
    return new ProviderOutcomeUnknown('stripe', { cause: error });
  }
  const { type, code, statusCode, requestId, detail } = error;
  const cause = codeOf(detail);
  const facts = { status: statusCode?.toString(), code, cause, request: requestId };
  const words = Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : `${name} ${value}`));
  const message = ['stripe', type, ...words].join(', ');
  return isNotReached(error, cause) ? new ProviderNotReached(message) : new ProviderOutcomeUnknown(message);
}

/** Of an error of Node.js, which the package may have wrapped. */
const codeOf = (detail: unknown): string | undefined =>
  typeof detail === 'object' && detail !== null && 'code' in detail && typeof detail.code === 'string'
    ? detail.code
    : undefined;

function isNotReached({ statusCode, message }: Stripe.errors.StripeError, cause: string | undefined): boolean {
  if (statusCode !== undefined) return REFUSED_AT_THE_DOOR.has(statusCode);
  // The package tries once more when a connection was closed; what became of the first request isn't known then.
  return cause !== undefined && UNCONNECTED.has(cause) && !message.includes('retried');
}

/** The issuer said no. */
export const isCardDecline = (error: unknown): error is Stripe.errors.StripeCardError =>
  error instanceof Stripe.errors.StripeCardError;

/** Stripe said no to the request itself, which has had no effect. */
export const isInvalidRequest = (error: unknown): error is Stripe.errors.StripeInvalidRequestError =>
  error instanceof Stripe.errors.StripeInvalidRequestError && (error.statusCode === 400 || error.statusCode === 404);

/** The charge is in a state in which that can't be asked: it has moved on meanwhile. */
export const hasMovedOn = (error: unknown): boolean =>
  isInvalidRequest(error) && error.code === 'payment_intent_unexpected_state';
