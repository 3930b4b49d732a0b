import type { AccessTokenVerifier, Actor } from '@shop/common/auth';
import { findAppError, type AppError } from '@shop/common/errors';
import { bearerToken, type ServiceClient } from '@shop/common/http';
import { CallerService } from './caller-service.js';
import { createFieldKey, type FieldKey } from './field-key.js';
import { OrderClient } from './order/order.client.js';
import { orderLoaders, type OrderLoaders } from './order/order.loader.js';
import { PaymentClient } from './payment/payment.client.js';
import { paymentLoaders, type PaymentLoaders } from './payment/payment.loader.js';
import { UserClient } from './user/user.client.js';
import { userLoaders, type UserLoaders } from './user/user.loader.js';

/** The bearer of a valid access token, or nobody and the reason why. */
export type Caller =
  { readonly actor: Actor; readonly token: string } | { readonly actor: undefined; readonly refusal: AppError };

/** Who sends this Authorization header. A bad token makes its bearer nobody: logging in must still work with it. */
export function identify(authorization: string | undefined, verifier: AccessTokenVerifier): Caller {
  try {
    const token = bearerToken(authorization);
    return { actor: verifier.verify(token), token };
  } catch (error) {
    const refusal = findAppError(error);
    if (refusal === undefined) throw error;
    return { actor: undefined, refusal };
  }
}

/** One client for each service, kept for the life of the process. */
export interface Services {
  readonly users: ServiceClient;
  readonly orders: ServiceClient;
  readonly payments: ServiceClient;
}

export interface Loaders extends UserLoaders, OrderLoaders, PaymentLoaders {}

/** What the resolvers of one request work with. */
export interface GatewayContext {
  readonly users: UserClient;
  readonly orders: OrderClient;
  readonly payments: PaymentClient;
  /** Remember what they loaded: replaced before each change, so that what is read after it is not from before. */
  loaders: Loaders;
  readonly createLoaders: () => Loaders;
  readonly keyOf: FieldKey;
}

export function createContext(
  services: Services,
  caller: Caller,
  { idempotencyKey }: { idempotencyKey?: string | undefined } = {},
): GatewayContext {
  const token = (): string => {
    if (caller.actor === undefined) throw caller.refusal;
    return caller.token;
  };
  const users = new UserClient(new CallerService(services.users, token));
  const orders = new OrderClient(new CallerService(services.orders, token));
  const payments = new PaymentClient(new CallerService(services.payments, token));
  const createLoaders = (): Loaders => ({
    ...userLoaders(users),
    ...orderLoaders(orders),
    ...paymentLoaders(payments),
  });
  return { users, orders, payments, loaders: createLoaders(), createLoaders, keyOf: createFieldKey(idempotencyKey) };
}
