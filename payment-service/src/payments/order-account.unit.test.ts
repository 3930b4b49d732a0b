import { describe, expect, it } from '@jest/globals';
import { orderStatuses } from '@shop/common/contracts';
import { Books, buildPayableOrder, moment, NOW, processed, refundOf } from '../../test/account-books.js';
import {
  chargeNotReached,
  chargeSucceeded,
  orderHeardOf,
  paymentRequested,
  refundDeclined,
  refundDone,
  refundRequested,
} from './order-account.js';
import { advance, type PayableOrder } from './payable-order.js';
import { leftToRefund } from './payment.js';
import { retryPause } from './refund.js';

const opened = (changes: Partial<PayableOrder> = {}): Books => {
  const books = new Books(buildPayableOrder(changes));
  books.apply(orderHeardOf(books.account, books.order.status, moment));
  return books;
};

const paid = (): Books => {
  const books = opened();
  books.pay();
  return books;
};

describe('news of an order', () => {
  it('a new order -> a pending payment of its amount', () => {
    const { payment, events } = opened();
    expect(payment).toMatchObject({ status: 'pending', method: 'card', amount: 100n, version: 1 });
    expect(events.map(({ type }) => type)).toEqual(['payment.created']);
  });

  it('the same news again -> no second payment', () => {
    const books = opened();
    books.apply(orderHeardOf(books.account, 'pending', moment));
    expect(books.payments).toHaveLength(1);
  });

  it('first heard of as cancelled -> no payment', () => {
    expect(opened({ status: 'cancelled' }).payments).toEqual([]);
  });

  it('first heard of as confirmed -> it has its payment all the same', () => {
    expect(opened({ status: 'confirmed' }).payments).toHaveLength(1);
  });

  it('cancelled with a pending payment -> the payment is cancelled', () => {
    const books = opened();
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    expect(books.payment.status).toBe('cancelled');
    expect(books.events.at(-1)).toMatchObject({ type: 'payment.cancelled', data: { previousStatus: 'pending' } });
  });

  it('cancelled while its payment is being processed -> nothing yet, and all of it goes back once it succeeds', () => {
    const books = opened();
    books.process();
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    expect(books.payment.status).toBe('processing');
    books.apply(chargeSucceeded(books.account, books.payment.id, 'ch_1', moment));
    expect(books.payment).toMatchObject({ status: 'success', refundReserved: 100n });
    expect(books.refunds).toMatchObject([{ amount: 100n, status: 'pending', requestedBy: null }]);
  });

  it('cancelled while its payment is being processed, and the provider was not reached -> cancelled', () => {
    const books = opened();
    books.process();
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    books.apply(chargeNotReached(books.account, books.payment.id, moment));
    expect(books.payment.status).toBe('cancelled');
  });

  it('cancelled after a part was refunded -> the rest goes back', () => {
    const books = paid();
    books.apply(refundRequested(books.payment, refundOf(30n), moment));
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    expect(books.refunds.map(({ amount }) => amount)).toEqual([30n, 70n]);
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
    const books = opened();
    expect(() => paymentRequested(books.account, { method: 'card', description: null }, moment)).toThrow(
      `Order already has payment ${books.payment.id}`,
    );
  });

  it('of an order that can no longer be paid -> refused', () => {
    for (const changes of [{ status: 'confirmed' as const }, { payableUntil: NOW }]) {
      const account = { order: buildPayableOrder(changes), payment: undefined };
      expect(() => paymentRequested(account, { method: 'card', description: null }, moment)).toThrow(/paid/);
    }
  });
});

describe('the end of the time in which an order can be paid', () => {
  const after = { ...moment, now: new Date(buildPayableOrder().payableUntil) };

  it('-> its payment is not processed any more', () => {
    const books = opened();
    expect(() => processed(books.order, books.payment, after)).toThrow('Order can no longer be paid');
    expect(books.payment.status).toBe('pending');
  });

  it('while it is being processed -> it succeeds all the same', () => {
    const books = opened();
    books.process();
    books.apply(chargeSucceeded(books.account, books.payment.id, 'ch_1', after));
    expect(books.payment.status).toBe('success');
  });

  it('of an order that was confirmed before it was paid -> still processed', () => {
    const books = opened({ status: 'confirmed' });
    books.apply(processed(books.order, books.payment, after));
    expect(books.payment.status).toBe('processing');
  });
});

describe('a failed refund', () => {
  const refundFails = (books: Books) => {
    const refund = books.refunds.at(-1)!;
    const nextAttemptAt = new Date(NOW.getTime() + 1_000);
    books.apply(refundDeclined(books.account, refund, { reason: 'no', nextAttemptAt }, moment));
  };

  it('of an order that goes on -> its amount is free again', () => {
    const books = paid();
    books.apply(refundRequested(books.payment, refundOf(undefined), moment));
    refundFails(books);
    expect(books.refunds).toMatchObject([{ status: 'failed', failureReason: 'no' }]);
    expect(leftToRefund(books.payment)).toBe(100n);
  });

  it('of a cancelled order, declined ten times -> it is an admin’s then, who can refund it after all', () => {
    const books = paid();
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    for (let failures = 0; failures < 10; failures++) refundFails(books);
    expect(books.refunds.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'failed'));
    expect(books.discrepancies).toMatchObject([
      { kind: 'refund_declined', refundId: books.refunds.at(-1)!.id, details: { ours: '1 USD', reason: 'no' } },
    ]);
    expect(leftToRefund(books.payment)).toBe(100n);
    books.apply(refundRequested(books.payment, refundOf(undefined), moment));
    expect(leftToRefund(books.payment)).toBe(0n);
  });

  it('of a cancelled order -> tried again later under a new key, until it succeeds', () => {
    const books = paid();
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    for (let failures = 0; failures < 9; failures++) refundFails(books);
    expect(new Set(books.refunds.map(({ id }) => id)).size).toBe(10);
    expect(books.refunds.at(-1)).toMatchObject({ status: 'pending', repeats: 9, amount: 100n });
    expect(books.discrepancies).toEqual([]);
    expect(leftToRefund(books.payment)).toBe(0n);
    books.apply(refundDone(books.account, books.refunds.at(-1)!, { transactionId: 're_1' }, moment));
    expect(books.payment).toMatchObject({ status: 'refunded', refundedAmount: 100n });
  });

  it('pauses grow up to ten minutes and are never under half of that', () => {
    const pauses = [0, 1, 2, 50].map((times) => retryPause(times, { first: 1_000, random: 0 }));
    expect(pauses).toEqual([500, 1_000, 2_000, 300_000]);
    expect(retryPause(50, { first: 1_000, random: 1 })).toBe(600_000);
  });
});
