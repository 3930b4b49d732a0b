import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import { orderStatuses } from '@shop/common/contracts';
import { currencyDecimals, MAX_MINOR_UNITS, toMinorUnits } from '@shop/common/money';
import { Books, buildPayableOrder, moment, NOW, processed, refundOf } from '../../test/account-books.js';
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
} from './order-account.js';
import { expiryOf } from './order-expiry.js';
import { isTooLate } from './payable-order.js';
import { isLive, leftToRefund, nextStatuses, type Payment } from './payment.js';
import type { Refund } from './refund.js';

describe('whatever happens, in whatever order', () => {
  /** In percent of what was paid, so that it fits any amount. */
  const percentage = fc.bigInt({ min: 1n, max: 120n });
  const happening = fc.oneof(
    fc.record({ kind: fc.constant('order' as const), status: fc.constantFrom(...orderStatuses) }),
    fc.record({ kind: fc.constantFrom('create' as const, 'process' as const, 'expire' as const) }),
    fc.record({ kind: fc.constant('charge' as const), outcome: fc.constantFrom('yes', 'no', 'not reached') }),
    fc.record({ kind: fc.constant('refund' as const), percentage: fc.option(percentage, { nil: undefined }) }),
    fc.record({ kind: fc.constant('refund answer' as const), outcome: fc.constantFrom('yes', 'no'), pick: fc.nat() }),
  );
  /** Some of them go past a refund's pause, some past the time in which the order can be paid. */
  const later = fc.record({ kind: fc.constant('later' as const), seconds: fc.nat({ max: 90 }) });
  const step = fc.oneof({ arbitrary: happening, weight: 9 }, { arbitrary: later, weight: 1 });
  type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

  const PAUSE = 5_000;

  const share = ({ amount }: Payment, percent: bigint | undefined): bigint | undefined =>
    percent === undefined ? undefined : (amount * percent) / 100n || 1n;

  function decide({ account, refunds }: Books, happening: Happening, moment: Moment): Decision {
    if (happening.kind === 'order') return orderHeardOf(account, happening.status, moment);
    if (happening.kind === 'expire') return expiryOf(account, moment.now);
    if (happening.kind === 'create') return paymentRequested(account, { method: 'card', description: null }, moment);
    if (account.payment === undefined) return {};
    const { id } = account.payment;
    switch (happening.kind) {
      case 'process':
        return processed(account.order, account.payment, moment);
      case 'charge':
        if (happening.outcome === 'yes') return chargeSucceeded(account, id, `ch_${newId()}`, moment);
        if (happening.outcome === 'no') return chargeDeclined(account, id, 'no', moment);
        return chargeNotReached(account, id, moment);
      case 'refund':
        return refundRequested(account.payment, refundOf(share(account.payment, happening.percentage)), moment);
      case 'refund answer': {
        // Any refund ever made, settled ones too: answers come late and more than once.
        const refund = refunds[happening.pick % Math.max(1, refunds.length)];
        if (refund === undefined) return {};
        if (happening.outcome === 'yes') return refundDone(account, refund, { transactionId: `re_${newId()}` }, moment);
        return refundDeclined(
          account,
          refund,
          { reason: 'no', nextAttemptAt: new Date(moment.now.getTime() + PAUSE) },
          moment,
        );
      }
    }
  }

  const sum = (refunds: readonly Refund[]) => refunds.reduce((total, refund) => total + refund.amount, 0n);

  /** What is wrong with the books, after a step from `before`; plain comparisons, since there are millions of them. */
  function faultsOf(
    books: Books,
    before: { payments: readonly Payment[]; refunds: readonly Refund[] },
    now: Date,
  ): string[] {
    const faults: string[] = [];
    const check = (isRight: boolean, fault: string) => isRight || faults.push(fault);
    check(books.payments.filter(isLive).length <= 1, 'two live payments');
    for (const payment of books.payments) {
      const was = before.payments.find(({ id }) => id === payment.id);
      if (was !== undefined && was !== payment) {
        const next: readonly string[] = nextStatuses[was.status];
        check(was.status === payment.status || next.includes(payment.status), `${was.status} -> ${payment.status}`);
        check(payment.version > was.version, 'version');
        check(payment.updatedAt.getTime() === now.getTime(), 'a change at another time');
        const isStarted = was.status === 'pending' && payment.status === 'processing';
        check(!isStarted || !isTooLate(books.order, now), 'charged after its time');
        check(payment.amount === was.amount && payment.currency === was.currency, 'another amount');
      }
      const own = books.refunds.filter(({ paymentId }) => paymentId === payment.id);
      check(payment.refundReserved === sum(own.filter(({ status }) => status !== 'failed')), 'sum reserved');
      check(payment.refundedAmount === sum(own.filter(({ status }) => status === 'succeeded')), 'sum refunded');
      check(payment.refundReserved <= payment.amount, 'more refunded than paid');
    }
    for (const refund of books.refunds) {
      const was = before.refunds.find(({ id }) => id === refund.id);
      check(was === undefined || was.status === 'pending' || was === refund, 'a settled refund changed');
      const waits = refund.nextAttemptAt.getTime() - refund.createdAt.getTime();
      check(refund.repeats === 0 || waits === PAUSE, 'repeated without a pause');
    }
    const { order, payment } = books.account;
    const expired = books.events.filter(({ type }) => type === 'payment.expired');
    check(expired.length === (order.expiredAt === null ? 0 : 1), 'told of an expiry, and not of it once');
    check(order.expiredAt === null || order.expiredAt >= order.payableUntil, 'expired before its time');
    check(order.expiredAt === null || !books.payments.some(({ paidAt }) => paidAt !== null), 'expired and paid');
    check(
      order.expiredAt === null || !books.payments.some(({ status }) => ['pending', 'processing'].includes(status)),
      'expired and about to be charged',
    );
    if (order.status === 'cancelled' && payment !== undefined) {
      check(payment.status !== 'pending', 'a cancelled order can be paid');
      check(
        payment.paidAt === null || leftToRefund(payment) === 0n || books.discrepancies.length > 0,
        'a cancelled order keeps money, and nobody is told',
      );
    }
    return faults;
  }

  /** Every charge gets its verdict, time goes on, and the expiry looks again: what nobody has paid has expired then. */
  function settleAndExpire(books: Books, at: Date): void {
    const now = new Date(Math.max(at.getTime(), books.order.payableUntil.getTime()));
    const { payment } = books.account;
    if (payment?.status === 'processing')
      books.apply(chargeDeclined(books.account, payment.id, 'no', { ...moment, now }));
    if (payment === undefined) books.apply(orderHeardOf(books.account, 'pending', { ...moment, now }));
    const { lookAgainAt, ...expiry } = expiryOf(books.account, now);
    books.apply(expiry);
    if (lookAgainAt !== null) throw new Error('nothing is left to wait for, and it is not decided');
    const isPaid = books.payments.some(({ paidAt }) => paidAt !== null);
    const { status, expiredAt } = books.order;
    if (status === 'pending' && isPaid !== (expiredAt === null)) throw new Error('unpaid and not expired');
  }

  const orders = fc.record({
    amount: fc.oneof(fc.constantFrom(1n, 100n, MAX_MINOR_UNITS), fc.bigInt({ min: 1n, max: MAX_MINOR_UNITS })),
    currency: fc.constantFrom('USD', 'JPY', 'KWD'),
  });

  it('one live payment, legal states, sums that add up, and a cancelled order that keeps no money', () => {
    const reached = new Set<string>();
    let expired = 0;
    fc.assert(
      fc.property(orders, fc.array(step, { maxLength: 40, size: 'max' }), (facts, steps) => {
        const books = new Books(buildPayableOrder({ ...facts, currencyDecimals: currencyDecimals(facts.currency) }));
        let now = NOW;
        for (const one of steps) {
          const before = { payments: [...books.payments], refunds: [...books.refunds] };
          if (one.kind === 'later') {
            now = new Date(now.getTime() + one.seconds * 1_000);
            continue;
          }
          try {
            books.apply(decide(books, one, { ...moment, now }));
          } catch (error) {
            // Refusals are answers; anything else is a bug.
            if (!(error instanceof Error && 'code' in error)) throw error;
          }
          const faults = faultsOf(books, before, now);
          if (faults.length > 0) throw new Error(faults.join(', '));
          for (const { status } of books.payments) reached.add(status);
          if (books.order.expiredAt !== null) expired += 1;
        }
        settleAndExpire(books, now);
        const sequences = books.events.map(({ subject, sequence }) => `${subject} ${sequence}`);
        if (new Set(sequences).size !== sequences.length) throw new Error('two events of one sequence');
        for (const { data } of books.events) {
          const told = JSON.parse(JSON.stringify(data)) as { amount: number; currency: string };
          if (toMinorUnits(told.amount, told.currency, books.order.currencyDecimals) !== books.order.amount)
            throw new Error('an event of another amount');
        }
      }),
      { numRuns: 10_000 },
    );
    // Paths that don't get anywhere would prove nothing.
    expect([...reached].sort()).toEqual(Object.keys(nextStatuses).sort());
    expect(expired).toBeGreaterThan(1_000);
  });
});
