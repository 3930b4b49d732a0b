import { describe, expect, it } from '@jest/globals';
import { orderStatuses } from '@shop/common/contracts';
import { Ledger, buildPayableOrder, moment, NOW, processed, refundOf } from '../../test/aggregate-history.js';
import {
  chargeNotReached,
  chargeSucceeded,
  orderObserved,
  paymentRequested,
  refundDeclined,
  refundDone,
  refundRequested,
} from './payment-aggregate.js';
import { advance, type PayableOrder } from './payable-order.js';
import { leftToRefund } from './payment.js';
import { retryPause } from './refund.js';

const opened = (changes: Partial<PayableOrder> = {}): Ledger => {
  const ledger = new Ledger(buildPayableOrder(changes));
  ledger.apply(orderObserved(ledger.aggregate, ledger.order.status, moment));
  return ledger;
};

const paid = (): Ledger => {
  const ledger = opened();
  ledger.pay();
  return ledger;
};

describe('news of an order', () => {
  it('a new order -> a pending payment of its amount', () => {
    const { payment, events } = opened();
    expect(payment).toMatchObject({ status: 'pending', method: 'card', amount: 100n, version: 1 });
    expect(events.map(({ type }) => type)).toEqual(['payment.created']);
  });

  it('the same news again -> no second payment', () => {
    const ledger = opened();
    ledger.apply(orderObserved(ledger.aggregate, 'pending', moment));
    expect(ledger.payments).toHaveLength(1);
  });

  it('first learned of as cancelled -> no payment', () => {
    expect(opened({ status: 'cancelled' }).payments).toEqual([]);
  });

  it('first learned of as confirmed -> it has its payment all the same', () => {
    expect(opened({ status: 'confirmed' }).payments).toHaveLength(1);
  });

  it('cancelled with a pending payment -> the payment is cancelled', () => {
    const ledger = opened();
    ledger.apply(orderObserved(ledger.aggregate, 'cancelled', moment));
    expect(ledger.payment.status).toBe('cancelled');
    expect(ledger.events.at(-1)).toMatchObject({ type: 'payment.cancelled', data: { previousStatus: 'pending' } });
  });

  it('cancelled while its payment is being processed -> nothing yet, and all of it goes back once it succeeds', () => {
    const ledger = opened();
    ledger.process();
    ledger.apply(orderObserved(ledger.aggregate, 'cancelled', moment));
    expect(ledger.payment.status).toBe('processing');
    ledger.apply(chargeSucceeded(ledger.aggregate, ledger.payment.id, 'ch_1', moment));
    expect(ledger.payment).toMatchObject({ status: 'success', refundReserved: 100n });
    expect(ledger.refunds).toMatchObject([{ amount: 100n, status: 'pending', requestedBy: null }]);
  });

  it('cancelled while its payment is being processed, and the provider was not reached -> cancelled', () => {
    const ledger = opened();
    ledger.process();
    ledger.apply(orderObserved(ledger.aggregate, 'cancelled', moment));
    ledger.apply(chargeNotReached(ledger.aggregate, ledger.payment.id, moment));
    expect(ledger.payment.status).toBe('cancelled');
  });

  it('cancelled after a part was refunded -> the rest goes back', () => {
    const ledger = paid();
    ledger.apply(refundRequested(ledger.payment, refundOf(30n), moment));
    ledger.apply(orderObserved(ledger.aggregate, 'cancelled', moment));
    expect(ledger.refunds.map(({ amount }) => amount)).toEqual([30n, 70n]);
  });

  it('old news -> the status stays', () => {
    for (const status of orderStatuses) {
      const order = buildPayableOrder({ status: 'cancelled' });
      expect(advance(order, status)).toBe(order);
    }
    expect(advance(buildPayableOrder({ status: 'shipped' }), 'confirmed').status).toBe('shipped');
  });
});

describe('a further payment', () => {
  it('while the last one is live -> refused, naming it', () => {
    const ledger = opened();
    expect(() => paymentRequested(ledger.aggregate, { method: 'card', description: null }, moment)).toThrow(
      `Order already has payment ${ledger.payment.id}`,
    );
  });

  it('of an order that can no longer be paid -> refused', () => {
    for (const changes of [{ status: 'confirmed' as const }, { payableUntil: NOW }]) {
      const aggregate = { order: buildPayableOrder(changes), payment: undefined };
      expect(() => paymentRequested(aggregate, { method: 'card', description: null }, moment)).toThrow(/paid/);
    }
  });
});

describe('the end of the time in which an order can be paid', () => {
  const after = { ...moment, now: new Date(buildPayableOrder().payableUntil) };

  it('-> its payment is not processed any more', () => {
    const ledger = opened();
    expect(() => processed(ledger.order, ledger.payment, after)).toThrow('Order can no longer be paid');
    expect(ledger.payment.status).toBe('pending');
  });

  it('while it is being processed -> it succeeds all the same', () => {
    const ledger = opened();
    ledger.process();
    ledger.apply(chargeSucceeded(ledger.aggregate, ledger.payment.id, 'ch_1', after));
    expect(ledger.payment.status).toBe('success');
  });

  it('of an order that was confirmed before it was paid -> still processed', () => {
    const ledger = opened({ status: 'confirmed' });
    ledger.apply(processed(ledger.order, ledger.payment, after));
    expect(ledger.payment.status).toBe('processing');
  });
});

describe('a failed refund', () => {
  const refundFails = (ledger: Ledger) => {
    const refund = ledger.refunds.at(-1)!;
    const nextAttemptAt = new Date(NOW.getTime() + 1_000);
    ledger.apply(refundDeclined(ledger.aggregate, refund, { reason: 'no', nextAttemptAt }, moment));
  };

  it('of an order that goes on -> its amount is free again', () => {
    const ledger = paid();
    ledger.apply(refundRequested(ledger.payment, refundOf(undefined), moment));
    refundFails(ledger);
    expect(ledger.refunds).toMatchObject([{ status: 'failed', failureReason: 'no' }]);
    expect(leftToRefund(ledger.payment)).toBe(100n);
  });

  it('of a cancelled order, declined ten times -> it is an admin’s then, who can refund it after all', () => {
    const ledger = paid();
    ledger.apply(orderObserved(ledger.aggregate, 'cancelled', moment));
    for (let failures = 0; failures < 10; failures++) refundFails(ledger);
    expect(ledger.refunds.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'failed'));
    expect(ledger.discrepancies).toMatchObject([
      { kind: 'refund_declined', refundId: ledger.refunds.at(-1)!.id, details: { ours: '1 USD', reason: 'no' } },
    ]);
    expect(leftToRefund(ledger.payment)).toBe(100n);
    ledger.apply(refundRequested(ledger.payment, refundOf(undefined), moment));
    expect(leftToRefund(ledger.payment)).toBe(0n);
  });

  it('of a cancelled order -> tried again later under a new key, until it succeeds', () => {
    const ledger = paid();
    ledger.apply(orderObserved(ledger.aggregate, 'cancelled', moment));
    for (let failures = 0; failures < 9; failures++) refundFails(ledger);
    expect(new Set(ledger.refunds.map(({ id }) => id)).size).toBe(10);
    expect(ledger.refunds.at(-1)).toMatchObject({ status: 'pending', repeats: 9, amount: 100n });
    expect(ledger.discrepancies).toEqual([]);
    expect(leftToRefund(ledger.payment)).toBe(0n);
    ledger.apply(refundDone(ledger.aggregate, ledger.refunds.at(-1)!, { transactionId: 're_1' }, moment));
    expect(ledger.payment).toMatchObject({ status: 'refunded', refundedAmount: 100n });
  });

  it('pauses grow up to ten minutes and are never under half of that', () => {
    const pauses = [0, 1, 2, 50].map((times) => retryPause(times, { first: 1_000, random: 0 }));
    expect(pauses).toEqual([500, 1_000, 2_000, 300_000]);
    expect(retryPause(50, { first: 1_000, random: 1 })).toBe(600_000);
  });
});
