// Whether the promises were kept, checked by what stands in the databases and by what customers were answered.
import { checkEvents } from './event-invariants.ts';
import type { Acknowledged } from './journal.ts';
import type { Ledger, OrderRow, PaymentRow } from './ledger.ts';
import { inMajorUnits } from './money.ts';
import { doubles, type Report, type Violation } from './violations.ts';

const isLive = ({ status }: PaymentRow): boolean => status !== 'failed' && status !== 'cancelled';
const paidStatuses = ['confirmed', 'processing', 'shipped', 'delivered'];
const sum = (rows: readonly { amount: string }[]): bigint =>
  rows.reduce((total, { amount }) => total + BigInt(amount), 0n);

/** Checks a system that has come to rest. */
export function checkInvariants(ledger: Ledger, acknowledged: readonly Acknowledged[]): Violation[] {
  const violations: Violation[] = [];
  const payments = new Map(ledger.payments.map((payment) => [payment.id, payment]));
  const report = (rule: string, what: string, orderId?: string) => void violations.push({ rule, what, orderId });
  checkAcknowledged(ledger, payments, acknowledged, report);
  checkOrders(ledger, report);
  checkLedger(ledger, payments, report);
  checkRefunds(ledger, payments, report);
  checkEvents(ledger, report);
  return violations;
}

type Payments = ReadonlyMap<string, PaymentRow>;

/** What was acknowledged is there, and what was asked for under one key is there once. */
function checkAcknowledged(
  ledger: Ledger,
  payments: Payments,
  acknowledged: readonly Acknowledged[],
  report: Report,
): void {
  const rule = 'acknowledged writes exist';
  const users = new Map(ledger.users.map((user) => [user.id, user]));
  const orders = new Map(ledger.orders.map((order) => [order.id, order]));
  for (const entry of acknowledged) {
    switch (entry.kind) {
      case 'user':
        if (users.get(entry.id)?.email !== entry.email) report(rule, `user ${entry.id} is missing`);
        break;
      case 'order': {
        const order = orders.get(entry.id);
        if (!order) report(rule, `order ${entry.id} is missing`, entry.id);
        else if (order.marker !== entry.marker || order.user_id !== entry.userId) {
          report(rule, `order ${entry.id} is not the one that was asked for`, entry.id);
        }
        break;
      }
      case 'cancelled order': {
        const status = orders.get(entry.orderId)?.status ?? 'missing';
        if (status !== 'cancelled')
          report(rule, `order ${entry.orderId} was cancelled and is ${status}`, entry.orderId);
        break;
      }
      case 'payment':
        if (payments.get(entry.id)?.marker !== entry.marker)
          report(rule, `payment ${entry.id} is missing`, entry.orderId);
        break;
      case 'paid':
      case 'declined':
      case 'being paid': {
        const payment = payments.get(entry.paymentId);
        const isKept =
          payment !== undefined &&
          { paid: payment.is_paid, declined: payment.status === 'failed', 'being paid': payment.status !== 'pending' }[
            entry.kind
          ];
        if (!isKept) {
          report(
            rule,
            `payment ${entry.paymentId} was ${entry.kind} and is ${payment?.status ?? 'missing'}`,
            payment?.order_id,
          );
        }
        break;
      }
      case 'refund':
      case 'refund under way': {
        const found = ledger.refunds.filter(({ reason }) => reason === entry.marker);
        const { order_id: orderId, currency = 'USD' } = payments.get(entry.paymentId) ?? {};
        const isKept = found.some(
          ({ status, amount }) =>
            (entry.kind === 'refund under way' || status === 'succeeded') &&
            (entry.amount === undefined || entry.amount === inMajorUnits(Number(amount), currency)),
        );
        if (!isKept) report(rule, `${entry.kind} ${entry.marker} of payment ${entry.paymentId} is missing`, orderId);
        break;
      }
    }
  }
  checkDoubles(ledger, payments, report);
}

/** What was asked for under one key was done once, however often it was asked. */
function checkDoubles(ledger: Ledger, payments: Payments, report: Report): void {
  const made = [
    ...ledger.orders.map(({ id, marker }) => ({ what: `order ${id}`, marker, orderId: id })),
    ...ledger.payments.map(({ id, marker, order_id: orderId }) => ({ what: `payment ${id}`, marker, orderId })),
    ...ledger.refunds
      .filter(({ reason }) => reason !== 'order cancelled') // asked for by nobody
      .map(({ id, reason: marker, payment_id: paymentId }) => {
        return { what: `refund ${id}`, marker, orderId: payments.get(paymentId)?.order_id };
      }),
  ];
  for (const [marker, group] of Map.groupBy(made, (one) => one.marker)) {
    if (marker === null || group.length === 1) continue;
    for (const { what, orderId } of group) {
      report('asked once, done once', `${what} is one of ${group.length} that request ${marker} has made`, orderId);
    }
  }
}

/** Each order agrees with its money. */
function checkOrders({ orders, payments }: Ledger, report: Report): void {
  const ofOrder = Map.groupBy(payments, ({ order_id: orderId }) => orderId);
  for (const order of orders) {
    const own = ofOrder.get(order.id) ?? [];
    const live = own.filter(isLive);
    const say = (rule: string, what: string) => report(rule, `order ${order.id} (${order.status}): ${what}`, order.id);
    if (live.length > 1) say('at most one live payment an order', `has ${live.length}`);
    checkHistory(order, say);
    for (const payment of own) {
      if (payment.order_status !== order.status) {
        say('the services agree', `payment-service takes it for ${payment.order_status}`);
      }
      if (payment.amount !== order.amount || payment.currency !== order.currency) {
        say('the services agree', `payment ${payment.id} is of ${payment.amount} ${payment.currency}`);
      }
      checkPayment(order, payment, say);
    }
    if (order.reason === 'expired' && own.some((payment) => payment.is_paid)) {
      say('no paid order expires', 'was paid in time');
    }
    if (
      paidStatuses.includes(order.status) &&
      !own.some((payment) => payment.is_paid && payment.status !== 'refunded')
    ) {
      say('only paid orders are confirmed', 'has no paid payment');
    }
  }
  const known = new Set(orders.map(({ id }) => id));
  for (const { id, order_id: orderId } of payments) {
    if (!known.has(orderId)) report('the services agree', `payment ${id} is of an order that there is not`, orderId);
  }
}

function checkPayment(order: OrderRow, payment: PaymentRow, say: (rule: string, what: string) => void): void {
  if (payment.status === 'processing') say('every charge is settled', `payment ${payment.id} is still processing`);
  if (payment.is_paid && !paidStatuses.includes(order.status) && payment.status !== 'refunded') {
    say('paid orders are confirmed or refunded', `payment ${payment.id} is ${payment.status}`);
  }
  if (order.status === 'cancelled' && !['cancelled', 'failed', 'refunded'].includes(payment.status)) {
    say("a cancelled order's money is the customer's", `payment ${payment.id} is ${payment.status}`);
  }
}

/** Its statuses lead to the one that it has, one version each, none twice. */
function checkHistory(order: OrderRow, say: (rule: string, what: string) => void): void {
  const isWhole =
    order.history.at(-1) === order.status &&
    order.versions.length === order.version &&
    order.versions.every((version, index) => version === index + 1) &&
    doubles(order.history).length === 0;
  if (!isWhole) say('every change once', `history ${order.history.join(', ')} (versions ${order.versions.join(', ')})`);
}

/** The provider has charged exactly what we believe to be paid. */
function checkLedger({ charges, payments: ours }: Ledger, payments: Payments, report: Report): void {
  const rule = "the provider's ledger is ours";
  const succeeded = new Map(
    charges.filter((charge) => charge.decline_reason === null).map((charge) => [charge.key, charge]),
  );
  const paidKeys = charges.filter((charge) => charge.decline_reason === null).map(({ key }) => key);
  for (const key of doubles(paidKeys)) report(rule, `payment ${key} was charged twice`, payments.get(key)?.order_id);
  for (const charge of succeeded.values()) {
    const payment = payments.get(charge.key);
    if (!payment?.is_paid) {
      report(rule, `charge ${charge.key} is paid there and ${payment?.status ?? 'missing'} here`, payment?.order_id);
    }
  }
  for (const payment of ours.filter(({ is_paid: isPaid, provider }) => isPaid && provider !== 'manual')) {
    const charge = succeeded.get(payment.id);
    const isSame =
      charge?.amount === payment.amount &&
      charge.currency === payment.currency &&
      charge.transaction_id === payment.transaction_id;
    if (!isSame) report(rule, `payment ${payment.id} is ${payment.status} here and otherwise there`, payment.order_id);
  }
}

/** The provider has given back exactly what we believe to be given back, and never more than was paid. */
function checkRefunds({ refunds, chargeRefunds, payments: ours }: Ledger, payments: Payments, report: Report): void {
  const rule = "the provider's ledger is ours";
  const there = new Map(
    chargeRefunds.filter((refund) => refund.decline_reason === null).map((refund) => [refund.key, refund]),
  );
  const here = new Map(refunds.map((refund) => [refund.id, refund]));
  for (const { key, amount, transaction_id: transactionId } of there.values()) {
    const refund = here.get(key);
    if (refund?.status !== 'succeeded' || refund.amount !== amount || refund.transaction_id !== transactionId) {
      report(
        rule,
        `refund ${key} is done there and ${refund?.status ?? 'missing'} here`,
        payments.get(refund?.payment_id ?? '')?.order_id,
      );
    }
  }
  const ofPayment = Map.groupBy(refunds, ({ payment_id: paymentId }) => paymentId);
  for (const { id, order_id: orderId, amount, refunded_amount: refunded } of ours) {
    const own = ofPayment.get(id) ?? [];
    const done = own.filter(({ status }) => status === 'succeeded');
    for (const refund of done.filter((one) => !there.has(one.id)))
      report(rule, `refund ${refund.id} is done here alone`, orderId);
    if (own.some(({ status }) => status === 'pending'))
      report('every refund is settled', `payment ${id} has a pending one`, orderId);
    if (sum(done) !== BigInt(refunded))
      report('refunds add up', `payment ${id}: ${sum(done)} and ${refunded}`, orderId);
    if (sum(done) > BigInt(amount))
      report('never more back than was paid', `payment ${id}: ${sum(done)} of ${amount}`, orderId);
  }
}
