import type { Decision, PaymentAggregate } from './payment-aggregate.js';
import { cancel, restated } from './payment.js';
import { paymentExpired } from './payment.resource.js';

/** What becomes of an order whose time to be paid is over. */
export interface Expiry extends Decision {
  /** When to look at it again; null: there is nothing left to decide. */
  readonly lookAgainAt: Date | null;
}

/** Milliseconds between two looks at an order that can't be decided yet: half of what it is late, within these bounds. */
const PAUSE = { shortest: 5_000, longest: 10 * 60_000 };

/**
 * Whether an order expires, now that its time is over: only if it waits for its payment and nobody is paying it. A charge
 * that was begun in time is waited for, however late its verdict. An order without any payment isn't one that nobody has
 * paid, but one whose `order.created` hasn't come yet.
 */
export function expiryOf({ order, payment }: PaymentAggregate, now: Date): Expiry {
  if (order.status !== 'pending' || order.expiredAt !== null) return { lookAgainAt: null };
  if (now < order.payableUntil) return { lookAgainAt: order.payableUntil };
  switch (payment?.status) {
    case 'success':
    case 'partially_refunded':
    case 'refunded':
      return { lookAgainAt: null };
    case undefined:
    case 'processing': {
      const late = now.getTime() - order.payableUntil.getTime();
      const pause = Math.min(Math.max(late / 2, PAUSE.shortest), PAUSE.longest);
      return { lookAgainAt: new Date(now.getTime() + pause) };
    }
    case 'pending':
    case 'failed':
    case 'cancelled': {
      const last = payment.status === 'pending' ? cancel(payment, now) : restated(payment, now);
      return {
        order: { ...order, expiredAt: now },
        payment: last,
        events: [paymentExpired(last, payment.status)],
        lookAgainAt: null,
      };
    }
  }
}
