import type { Logger } from '@shop/common/logger';
import type { PaymentAggregate } from './payment-aggregate.js';
import { expiryOf, type Expiry } from './order-expiry.js';
import type { OrderExpiryRepository } from './order-expiry.repository.js';

export interface OrderExpiryServiceOptions {
  expiries: OrderExpiryRepository;
  logger: Logger;
}

/** Orders at a time: a transaction of this many takes a fraction of a second, and its locks are held no longer. */
const BATCH = 250;
/** Milliseconds until an order that could not be decided is looked at again. */
const FAULT_PAUSE = 60_000;

/** Decides for every order whether somebody has paid it in time. Nobody else does. */
export class OrderExpiryService {
  readonly #options: OrderExpiryServiceOptions;

  constructor(options: OrderExpiryServiceOptions) {
    this.#options = options;
  }

  /** Lets a batch of unpaid orders expire whose time is over. True: there may be more of them. */
  async expireDue(): Promise<boolean> {
    const looked = await this.#options.expiries.decideDue(BATCH, (aggregate, now) => this.#decide(aggregate, now));
    return looked === BATCH;
  }

  /** One order that can't be decided must not hold up the others. */
  #decide(aggregate: PaymentAggregate, now: Date): Expiry {
    try {
      return expiryOf(aggregate, now);
    } catch (err) {
      this.#options.logger.error('expiry of an order not decided', { orderId: aggregate.order.id, err });
      return { lookAgainAt: new Date(now.getTime() + FAULT_PAUSE) };
    }
  }
}
