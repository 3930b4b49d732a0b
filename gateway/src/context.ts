import type { AccessTokenVerifier, Actor } from '@shop/common/auth';
import { findAppError, Unauthorized, type AppError } from '@shop/common/errors';
import { bearerToken, type ServiceClient } from '@shop/common/http';
import { currentScope } from '@shop/common/logger';
import { AnswerSize } from './answer-size.js';
import { CallerService, type CallingRequest } from './caller-service.js';
import { createFieldKey, type FieldKey } from './field-key.js';
import { createClients, createLoaders, perService, type Clients, type Loaders, type PerService } from './features.js';
import type { OpenSubscriptions, SubscriptionRequest } from './subscriptions/open-subscriptions.js';
import type { Snapshot } from './subscriptions/subscription-stream.js';
import type { Upstream } from './upstream-work.js';

/** The bearer of a valid access token, or nobody and the reason why. */
export type Caller =
  { readonly actor: Actor; readonly token: string } | { readonly actor: undefined; readonly refusal: () => AppError };

/** Most are never refused anything: no error is made for them until they are. */
const anonymous: Caller = { actor: undefined, refusal: () => new Unauthorized() };

/** Who sends this Authorization header. A bad token makes its bearer nobody: logging in must still work with it. */
export function identify(authorization: string | undefined, verifier: AccessTokenVerifier): Caller {
  if (authorization === undefined) return anonymous;
  try {
    const token = bearerToken(authorization);
    return { actor: verifier.verify(token), token };
  } catch (error) {
    return nobody(error);
  }
}

/** The same caller once the body is there: it may take half a minute, in which a token can expire or be revoked. */
export function stillValid(caller: Caller, verifier: AccessTokenVerifier): Caller {
  if (caller.actor === undefined) return caller;
  try {
    verifier.assertValid(caller.actor);
    return caller;
  } catch (error) {
    return nobody(error);
  }
}

function nobody(error: unknown): Caller {
  const refusal = findAppError(error);
  if (refusal === undefined) throw error;
  return { actor: undefined, refusal: () => refusal };
}

/** One client for each service, kept for the life of the process. */
export type Services = Readonly<PerService<ServiceClient>>;

/** What a subscription field follows, for the caller. Throws why the caller may not. */
export type Subscribe = <T extends Snapshot>(
  request: Pick<SubscriptionRequest<T>, 'field' | 'topic' | 'read'>,
) => Promise<AsyncIterable<T>>;

/** What the resolvers of one request work with. */
export interface GatewayContext extends Readonly<Clients> {
  /** Remember what they loaded: replaced before each change and each push, so that what is read then is not from before. */
  loaders: Loaders;
  readonly createLoaders: () => Loaders;
  readonly keyOf: FieldKey;
  readonly subscribe: Subscribe;
  readonly time: TimeLimit;
  readonly size: AnswerSize;
}

/** How long a request may go on calling services. */
export class TimeLimit {
  #deadline: number | undefined;

  /** From now on, in milliseconds. A subscription never starts it. */
  start(limit: number): void {
    this.#deadline = performance.now() + limit;
  }

  left(): number | undefined {
    return this.#deadline === undefined ? undefined : this.#deadline - performance.now();
  }
}

export interface ContextParts {
  services: Services;
  upstream: Upstream;
  subscriptions: OpenSubscriptions;
}

export function createContext(
  { services, upstream, subscriptions }: ContextParts,
  caller: Caller,
  request: Pick<Request, 'headers' | 'signal'>,
): GatewayContext {
  const token = (): string => {
    if (caller.actor === undefined) throw caller.refusal();
    return caller.token;
  };
  const time = new TimeLimit();
  const address = currentScope()?.clientAddress;
  const size = new AnswerSize();
  const work = upstream.ofRequest({ accountId: caller.actor?.id, address }, size);
  const calling: CallingRequest = { token, timeLeft: () => time.left(), work };
  const clients = createClients(perService((key) => new CallerService(services[key], calling)));
  const createFreshLoaders = () => createLoaders(clients);
  return {
    ...clients,
    loaders: createFreshLoaders(),
    createLoaders: createFreshLoaders,
    time,
    size,
    keyOf: createFieldKey(request.headers.get('idempotency-key') ?? undefined),
    subscribe: async (what) => {
      if (caller.actor === undefined) throw caller.refusal();
      return subscriptions.open({ ...what, actor: caller.actor, address, gone: request.signal });
    },
  };
}
