import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import { orderStatuses } from '@shop/common/contracts';
import { currencyDecimals, MAX_MINOR_UNITS, toMinorUnits } from '@shop/common/money';
import { Ledger, buildPayableOrder, moment, NOW, processed, refundOf } from '../../test/aggregate-history.js';
import {
  chargeDeclined,
  chargeNotReached,
  chargeSucceeded,
  orderObserved,
  paymentRequested,
  refundDeclined,
  refundDone,
  refundRequested,
  type Decision,
  type Moment,
} from './payment-aggregate.js';
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

  function decide({ aggregate, refunds }: Ledger, happening: Happening, moment: Moment): Decision {
    if (happening.kind === 'order') return orderObserved(aggregate, happening.status, moment);
    if (happening.kind === 'expire') return expiryOf(aggregate, moment.now);
    if (happening.kind === 'create') return paymentRequested(aggregate, { method: 'card', description: null }, moment);
    if (aggregate.payment === undefined) return {};
    const { id } = aggregate.payment;
    switch (happening.kind) {
      case 'process':
        return processed(aggregate.order, aggregate.payment, moment);
      case 'charge':
        if (happening.outcome === 'yes') return chargeSucceeded(aggregate, id, `ch_${newId()}`, moment);
        if (happening.outcome === 'no') return chargeDeclined(aggregate, id, 'no', moment);
        return chargeNotReached(aggregate, id, moment);
      case 'refund':
        return refundRequested(aggregate.payment, refundOf(share(aggregate.payment, happening.percentage)), moment);
      case 'refund answer': {
        // Any refund ever made, settled ones too: answers come late and more than once.
        const refund = refunds[happening.pick % Math.max(1, refunds.length)];
        if (refund === undefined) return {};
        if (happening.outcome === 'yes')
          return refundDone(aggregate, refund, { transactionId: `re_${newId()}` }, moment);
        return refundDeclined(
          aggregate,
          refund,
          { reason: 'no', nextAttemptAt: new Date(moment.now.getTime() + PAUSE) },
          moment,
        );
      }
    }
  }

  const sum = (refunds: readonly Refund[]) => refunds.reduce((total, refund) => total + refund.amount, 0n);

  /** What is wrong with the ledger, after a step from `before`; plain comparisons, since there are millions of them. */
  function faultsOf(
    ledger: Ledger,
    before: { payments: readonly Payment[]; refunds: readonly Refund[] },
    now: Date,
  ): string[] {
    const faults: string[] = [];
    const check = (isRight: boolean, fault: string) => isRight || faults.push(fault);
    check(ledger.payments.filter(isLive).length <= 1, 'two live payments');
    for (const payment of ledger.payments) {
      const was = before.payments.find(({ id }) => id === payment.id);
      if (was !== undefined && was !== payment) {
        const next: readonly string[] = nextStatuses[was.status];
        check(was.status === payment.status || next.includes(payment.status), `${was.status} -> ${payment.status}`);
        check(payment.version > was.version, 'version');
        check(payment.updatedAt.getTime() === now.getTime(), 'a change at another time');
        const isStarted = was.status === 'pending' && payment.status === 'processing';
        check(!isStarted || !isTooLate(ledger.order, now), 'charged after its time');
        check(payment.amount === was.amount && payment.currency === was.currency, 'another amount');
      }
      const own = ledger.refunds.filter(({ paymentId }) => paymentId === payment.id);
      check(payment.refundReserved === sum(own.filter(({ status }) => status !== 'failed')), 'sum reserved');
      check(payment.refundedAmount === sum(own.filter(({ status }) => status === 'succeeded')), 'sum refunded');
      check(payment.refundReserved <= payment.amount, 'more refunded than paid');
    }
    for (const refund of ledger.refunds) {
      const was = before.refunds.find(({ id }) => id === refund.id);
      check(was === undefined || was.status === 'pending' || was === refund, 'a settled refund changed');
      const waits = refund.nextAttemptAt.getTime() - refund.createdAt.getTime();
      check(refund.repeats === 0 || waits === PAUSE, 'repeated without a pause');
    }
    const { order, payment } = ledger.aggregate;
    const expired = ledger.events.filter(({ type }) => type === 'payment.expired');
    check(expired.length === (order.expiredAt === null ? 0 : 1), 'notified of an expiry, and not of it once');
    check(order.expiredAt === null || order.expiredAt >= order.payableUntil, 'expired before its time');
    check(order.expiredAt === null || !ledger.payments.some(({ paidAt }) => paidAt !== null), 'expired and paid');
    check(
      order.expiredAt === null || !ledger.payments.some(({ status }) => ['pending', 'processing'].includes(status)),
      'expired and about to be charged',
    );
    if (order.status === 'cancelled' && payment !== undefined) {
      check(payment.status !== 'pending', 'a cancelled order can be paid');
      check(
        payment.paidAt === null || leftToRefund(payment) === 0n || ledger.discrepancies.length > 0,
        'a cancelled order keeps money, and nobody is notified',
      );
    }
    return faults;
  }

  /** Every charge gets its verdict, time goes on, and the expiry looks again: what nobody has paid has expired then. */
  function settleAndExpire(ledger: Ledger, at: Date): void {
    const now = new Date(Math.max(at.getTime(), ledger.order.payableUntil.getTime()));
    const { payment } = ledger.aggregate;
    if (payment?.status === 'processing')
      ledger.apply(chargeDeclined(ledger.aggregate, payment.id, 'no', { ...moment, now }));
    if (payment === undefined) ledger.apply(orderObserved(ledger.aggregate, 'pending', { ...moment, now }));
    const { lookAgainAt, ...expiry } = expiryOf(ledger.aggregate, now);
    ledger.apply(expiry);
    if (lookAgainAt !== null) throw new Error('nothing is left to wait for, and it is not decided');
    const isPaid = ledger.payments.some(({ paidAt }) => paidAt !== null);
    const { status, expiredAt } = ledger.order;
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
        const ledger = new Ledger(buildPayableOrder({ ...facts, currencyDecimals: currencyDecimals(facts.currency) }));
        let now = NOW;
        for (const one of steps) {
          const before = { payments: [...ledger.payments], refunds: [...ledger.refunds] };
          if (one.kind === 'later') {
            now = new Date(now.getTime() + one.seconds * 1_000);
            continue;
          }
          try {
            ledger.apply(decide(ledger, one, { ...moment, now }));
          } catch (error) {
            // Refusals are answers; anything else is a bug.
            if (!(error instanceof Error && 'code' in error)) throw error;
          }
          const faults = faultsOf(ledger, before, now);
          if (faults.length > 0) throw new Error(faults.join(', '));
          for (const { status } of ledger.payments) reached.add(status);
          if (ledger.order.expiredAt !== null) expired += 1;
        }
        settleAndExpire(ledger, now);
        const sequences = ledger.events.map(({ subject, sequence }) => `${subject} ${sequence}`);
        if (new Set(sequences).size !== sequences.length) throw new Error('two events of one sequence');
        for (const { data } of ledger.events) {
          const reported = JSON.parse(JSON.stringify(data)) as { amount: number; currency: string };
          if (toMinorUnits(reported.amount, reported.currency, ledger.order.currencyDecimals) !== ledger.order.amount)
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
