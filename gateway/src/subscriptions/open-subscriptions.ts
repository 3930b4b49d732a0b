import type { AccessTokenVerifier, Actor } from '@shop/common/auth';
import type { IncomingEvent } from '@shop/common/contracts';
import { AppError, CapacityExceeded, ServiceUnavailable, findAppError } from '@shop/common/errors';
import { addressBlock } from '@shop/common/http';
import type { Metrics } from '@shop/common/metrics';
import { pause } from '@shop/common/rabbitmq';
import type { Gauge } from 'prom-client';
import { SubscriptionStream, type Snapshot } from './subscription-stream.js';
import { topicOf, type Topic } from './topics.js';

/** Milliseconds between two looks for tokens that have expired or been revoked. */
const TOKEN_CHECK = 250;
/** After a gap all subscriptions look for themselves: 50 every 100 ms, so that the services aren't stormed. */
const REFRESH = { batch: 50, pause: 100 };

export interface SubscriptionLimits {
  /** Subscriptions of one account at a time. */
  readonly perAccount: number;
  /** The same of one address, whatever accounts they are: accounts are cheap to make. */
  readonly perAddress: number;
  readonly inAll: number;
}

export interface OpenSubscriptionsOptions {
  verifier: AccessTokenVerifier;
  limits: SubscriptionLimits;
  metrics: Metrics;
}

export interface SubscriptionRequest<T extends Snapshot> {
  /** The name of its field in the schema. */
  readonly field: string;
  readonly topic: Topic;
  readonly actor: Actor;
  /** Where it comes from, as far as that is known. */
  readonly address: string | undefined;
  /** Aborts when the subscriber is gone. */
  readonly gone: AbortSignal;
  /** The resource as the subscriber may see it now; undefined while there is none yet. Throws where it may not. */
  readonly read: () => Promise<T | undefined>;
}

interface OpenSubscription {
  readonly actor: Actor;
  /** What counts as one address. */
  readonly origin: string;
  readonly topic: Topic;
  readonly pushes: SubscriptionStream<Snapshot>;
}

/** All subscriptions of this process, from start to end. */
export class OpenSubscriptions {
  readonly #verifier: AccessTokenVerifier;
  readonly #limits: SubscriptionLimits;
  readonly #gauge: Gauge<'field'>;
  readonly #open = new Set<OpenSubscription>();
  readonly #byTopic = new Map<Topic, Set<OpenSubscription>>();
  readonly #byAccount = new Map<string, Set<OpenSubscription>>();
  readonly #byOrigin = new Map<string, Set<OpenSubscription>>();
  readonly #tokenCheck: NodeJS.Timeout;
  #refreshing = new AbortController();
  #isClosed = false;

  constructor({ verifier, limits, metrics }: OpenSubscriptionsOptions) {
    this.#verifier = verifier;
    this.#limits = limits;
    this.#gauge = metrics.gauge('graphql_open_subscriptions', 'Subscriptions that are open at present, by field', [
      'field',
    ]);
    this.#tokenCheck = setInterval(() => this.#checkTokens(), TOKEN_CHECK).unref();
  }

  /**
   * Follows a topic from now on, until the subscriber is gone, its token no longer counts, or what it follows isn't
   * visible to it any more. Throws RATE_LIMITED or ServiceUnavailable where there are too many, and what `read` throws.
   */
  async open<T extends Snapshot>(request: SubscriptionRequest<T>): Promise<SubscriptionStream<T>> {
    const { field, topic, actor, address, gone, read } = request;
    const origin = addressBlock(address);
    this.#refuseTooMany(actor, origin);
    const pushes = new SubscriptionStream<T>({
      read: () => {
        this.#verifier.assertValid(actor);
        return read();
      },
      onEnd: () => {
        gone.removeEventListener('abort', onGone);
        this.#remove(subscription);
        this.#gauge.dec({ field });
      },
    });
    const onGone = () => pushes.end();
    const subscription = { actor, origin, topic, pushes };
    this.#add(subscription);
    this.#gauge.inc({ field });
    gone.addEventListener('abort', onGone);
    if (gone.aborted) pushes.end();
    try {
      // Followed before it is read, so that no change can slip through between the two.
      await pushes.start();
    } catch (error) {
      pushes.end();
      throw error;
    }
    return pushes;
  }

  /** Whether there are any. */
  get isFollowed(): boolean {
    return this.#open.size > 0;
  }

  /** Tells those whom it concerns of an event. */
  receive(event: IncomingEvent): void {
    const topic = topicOf(event);
    if (topic === undefined) return;
    const change = { aggregate: event.subject, sequence: event.sequence };
    for (const { pushes } of this.#byTopic.get(topic) ?? []) pushes.notice(change);
  }

  /** Events may have been missed: everyone looks for itself, a few at a time. */
  refresh(): void {
    this.#refreshing.abort();
    this.#refreshing = new AbortController();
    void this.#refresh(this.#refreshing.signal);
  }

  /** Ends all of them and takes no further ones. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#tokenCheck);
    this.#refreshing.abort();
    for (const { pushes } of this.#open) pushes.end();
  }

  async #refresh(stopped: AbortSignal): Promise<void> {
    const all = [...this.#open];
    for (let first = 0; first < all.length && !stopped.aborted; first += REFRESH.batch) {
      for (const { pushes } of all.slice(first, first + REFRESH.batch)) pushes.notice();
      await pause(REFRESH.pause, stopped);
    }
  }

  #checkTokens(): void {
    for (const { actor, pushes } of this.#open) {
      try {
        this.#verifier.assertValid(actor);
      } catch (error) {
        const refusal = findAppError(error);
        if (refusal === undefined) throw error;
        pushes.end(refusal);
      }
    }
  }

  #refuseTooMany({ id }: Actor, origin: string): void {
    if (this.#isClosed) throw new ServiceUnavailable('The gateway is stopping');
    const { perAccount, perAddress, inAll } = this.#limits;
    if ((this.#byAccount.get(id)?.size ?? 0) >= perAccount) {
      throw new AppError('RATE_LIMITED', 'Too many of your subscriptions are open');
    }
    if ((this.#byOrigin.get(origin)?.size ?? 0) >= perAddress) {
      throw new AppError('RATE_LIMITED', 'Too many subscriptions from your address are open');
    }
    if (this.#open.size >= inAll) throw new CapacityExceeded('Too many subscriptions are open');
  }

  #add(subscription: OpenSubscription): void {
    this.#open.add(subscription);
    addTo(this.#byTopic, subscription.topic, subscription);
    addTo(this.#byAccount, subscription.actor.id, subscription);
    addTo(this.#byOrigin, subscription.origin, subscription);
  }

  #remove(subscription: OpenSubscription): void {
    this.#open.delete(subscription);
    removeFrom(this.#byTopic, subscription.topic, subscription);
    removeFrom(this.#byAccount, subscription.actor.id, subscription);
    removeFrom(this.#byOrigin, subscription.origin, subscription);
  }
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(value));
}

function removeFrom<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
