import { TOO_LARGE_TOGETHER } from '@shop/common/contracts';
import { Conflict, Forbidden, InvalidInput, LostRace, NotFound, RateLimited } from '@shop/common/errors';

/** There is no such order, it was deleted, or it is somebody else's. */
export class OrderNotFound extends NotFound {
  constructor() {
    super('Order not found');
  }
}

export class IllegalStatusChange extends Conflict {
  constructor({ from, to }: { from: string; to: string }) {
    super(`Order status can not change from ${from} to ${to}`);
  }
}

/** Somebody else changed the order between our reading and our writing. */
export class OrderChangedMeanwhile extends LostRace {
  constructor() {
    super('Order was changed by somebody else at the same time');
  }
}

export class OwnersOnlyCancel extends Forbidden {
  constructor() {
    super('Only an admin may do this; an owner may cancel the order');
  }
}

export class OrderNotDeletable extends Conflict {
  constructor(status: string) {
    super(`Order is ${status}; only a delivered or cancelled order can be deleted`);
  }
}

/** Of a batch: an answer with all of them would be too large. */
export class OrdersTooLarge extends InvalidInput {
  constructor(field: 'ids' | 'userIds') {
    super([{ field, message: TOO_LARGE_TOGETHER }]);
  }
}

/** Each order is kept for long; so many that nobody pays are no shopper's. */
export class TooManyUnpaidOrders extends RateLimited {
  constructor(retryAfterSeconds: number) {
    super(retryAfterSeconds, {
      message: 'Too many orders that are not paid: pay some of them, or place this one later',
    });
  }
}
