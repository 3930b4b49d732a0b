import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import { orderStatuses, type EventDraft } from '@shop/common/contracts';
import {
  chargeDeclined,
  chargeNotReached,
  chargeSucceeded,
  orderHeardOf,
  paymentRequested,
  refundDeclined,
  refundDone,
  refundRequested,
  type Decision,
  type Moment,
  type OrderAccount,
} from './order-account.js';
import { advance, type PayableOrder } from './payable-order.js';
import { isLive, leftToRefund, nextStatuses, startProcessing, type Payment } from './payment.js';
import { paymentEvent } from './payment.resource.js';
import { MAX_REPEATS, retryPause, type Refund } from './refund.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const moment: Moment = { now: NOW, newId };

const buildOrder = (changes: Partial<PayableOrder> = {}): PayableOrder => ({
  id: newId(),
  userId: newId(),
  amount: 100n,
  currency: 'USD',
  status: 'pending',
  payableUntil: new Date(NOW.getTime() + 60_000),
  ...changes,
});

const processed = (before: Payment): Decision => {
  const payment = startProcessing(before, { method: 'card', provider: 'simulated', now: NOW });
  return { payment, events: [paymentEvent(payment, { previousStatus: before.status })] };
};

/** One order's rows, changed by decisions alone, as the repository would write them. */
class Books {
  order: PayableOrder;
  readonly payments: Payment[] = [];
  readonly refunds: Refund[] = [];
  readonly events: EventDraft[] = [];

  constructor(order: PayableOrder) {
    this.order = order;
  }

  get account(): OrderAccount {
    return { order: this.order, payment: this.payments.find(isLive) ?? this.payments.at(-1) };
  }

  get payment(): Payment {
    return this.account.payment!;
  }

  apply({ order, openedPayment, payment, openedRefund, settledRefund, events = [] }: Decision): void {
    this.order = order ?? this.order;
    if (openedPayment) this.payments.push(openedPayment);
    if (payment) this.payments[this.payments.findIndex(({ id }) => id === payment.id)] = payment;
    if (settledRefund) this.refunds[this.refunds.findIndex(({ id }) => id === settledRefund.id)] = settledRefund;
    if (openedRefund) this.refunds.push(openedRefund);
    this.events.push(...events);
  }

  process(): void {
    this.apply(processed(this.payment));
  }

  pay(): void {
    this.process();
    this.apply(chargeSucceeded(this.account, this.payment.id, `ch_${newId()}`, moment));
  }
}

const opened = (changes: Partial<PayableOrder> = {}): Books => {
  const books = new Books(buildOrder(changes));
  books.apply(orderHeardOf(books.account, books.order.status, moment));
  return books;
};

const paid = (): Books => {
  const books = opened();
  books.pay();
  return books;
};

const request = (amount: bigint | undefined) => ({
  amount,
  reason: null,
  requestedBy: newId(),
  nextAttemptAt: NOW,
});

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
    books.apply(refundRequested(books.payment, request(30n), moment));
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    expect(books.refunds.map(({ amount }) => amount)).toEqual([30n, 70n]);
  });

  it('old news -> the status stays', () => {
    for (const status of orderStatuses) {
      const order = buildOrder({ status: 'cancelled' });
      expect(advance(order, status)).toBe(order);
    }
    expect(advance(buildOrder({ status: 'shipped' }), 'confirmed').status).toBe('shipped');
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
      const account = { order: buildOrder(changes), payment: undefined };
      expect(() => paymentRequested(account, { method: 'card', description: null }, moment)).toThrow(/paid/);
    }
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
    books.apply(refundRequested(books.payment, request(undefined), moment));
    refundFails(books);
    expect(books.refunds).toMatchObject([{ status: 'failed', failureReason: 'no' }]);
    expect(leftToRefund(books.payment)).toBe(100n);
  });

  it('of a cancelled order -> tried again later under a new key, a limited number of times', () => {
    const books = paid();
    books.apply(orderHeardOf(books.account, 'cancelled', moment));
    for (let failures = 0; books.refunds.at(-1)!.status === 'pending' && failures < 100; failures++) refundFails(books);
    expect(books.refunds).toHaveLength(MAX_REPEATS + 1);
    expect(new Set(books.refunds.map(({ id }) => id)).size).toBe(MAX_REPEATS + 1);
    expect(books.refunds.at(-1)).toMatchObject({ status: 'failed', repeats: MAX_REPEATS });
    expect(leftToRefund(books.payment)).toBe(100n);
  });

  it('pauses grow up to ten minutes and are never under half of that', () => {
    const pauses = [0, 1, 2, 50].map((times) => retryPause(times, { first: 1_000, random: 0 }));
    expect(pauses).toEqual([500, 1_000, 2_000, 300_000]);
    expect(retryPause(50, { first: 1_000, random: 1 })).toBe(600_000);
  });
});

describe('whatever happens, in whatever order', () => {
  const amount = fc.bigInt({ min: 1n, max: 120n });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('order' as const), status: fc.constantFrom(...orderStatuses) }),
    fc.record({ kind: fc.constantFrom('create' as const, 'process' as const) }),
    fc.record({ kind: fc.constant('charge' as const), outcome: fc.constantFrom('yes', 'no', 'not reached') }),
    fc.record({ kind: fc.constant('refund' as const), amount: fc.option(amount, { nil: undefined }) }),
    fc.record({ kind: fc.constant('refund answer' as const), outcome: fc.constantFrom('yes', 'no'), pick: fc.nat() }),
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  function decide({ account, refunds }: Books, happening: Step): Decision {
    if (happening.kind === 'order') return orderHeardOf(account, happening.status, moment);
    if (happening.kind === 'create') return paymentRequested(account, { method: 'card', description: null }, moment);
    if (account.payment === undefined) return {};
    const { id } = account.payment;
    switch (happening.kind) {
      case 'process':
        return processed(account.payment);
      case 'charge':
        if (happening.outcome === 'yes') return chargeSucceeded(account, id, `ch_${newId()}`, moment);
        if (happening.outcome === 'no') return chargeDeclined(account, id, 'no', moment);
        return chargeNotReached(account, id, moment);
      case 'refund':
        return refundRequested(account.payment, request(happening.amount), moment);
      case 'refund answer': {
        // Any refund ever made, settled ones too: answers come late and more than once.
        const refund = refunds[happening.pick % Math.max(1, refunds.length)];
        if (refund === undefined) return {};
        if (happening.outcome === 'yes') return refundDone(account, refund, `re_${newId()}`, moment);
        return refundDeclined(account, refund, { reason: 'no', nextAttemptAt: NOW }, moment);
      }
    }
  }

  const sum = (refunds: readonly Refund[]) => refunds.reduce((total, refund) => total + refund.amount, 0n);

  it('one live payment, legal states, sums that add up, and a cancelled order that keeps no money', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const books = new Books(buildOrder());
        for (const happening of steps) {
          const before = new Map(books.payments.map((payment) => [payment.id, payment]));
          const refundsBefore = new Map(books.refunds.map((refund) => [refund.id, refund]));
          try {
            books.apply(decide(books, happening));
          } catch (error) {
            // Refusals are answers; anything else is a bug.
            if (!(error instanceof Error && 'code' in error)) throw error;
          }
          expect(books.payments.filter(isLive).length).toBeLessThanOrEqual(1);
          for (const payment of books.payments) {
            const was = before.get(payment.id);
            if (was !== undefined && was.status !== payment.status) {
              expect(nextStatuses[was.status]).toContain(payment.status);
            }
            if (was !== undefined && was !== payment) expect(payment.version).toBeGreaterThan(was.version);
            const own = books.refunds.filter(({ paymentId }) => paymentId === payment.id);
            expect(payment.refundReserved).toBe(sum(own.filter(({ status }) => status !== 'failed')));
            expect(payment.refundedAmount).toBe(sum(own.filter(({ status }) => status === 'succeeded')));
            expect(payment.refundReserved <= payment.amount).toBe(true);
          }
          for (const refund of books.refunds) {
            const was = refundsBefore.get(refund.id);
            if (was !== undefined && was.status !== 'pending') expect(refund).toEqual(was);
          }
          const { order, payment } = books.account;
          if (order.status === 'cancelled' && payment !== undefined) {
            expect(payment.status).not.toBe('pending');
            const givenUp = books.refunds.some(({ repeats, status }) => repeats === MAX_REPEATS && status === 'failed');
            if (payment.paidAt !== null && !givenUp) expect(leftToRefund(payment)).toBe(0n);
          }
        }
        const sequences = books.events.map(({ subject, sequence }) => `${subject} ${sequence}`);
        expect(new Set(sequences).size).toBe(sequences.length);
      }),
      { numRuns: 500 },
    );
  });
});
