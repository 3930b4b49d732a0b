import { describe, expect, it } from '@jest/globals';
import type { Ledger, EventRow, OrderRow, PaymentRow } from './ledger.ts';
import type { Acknowledged } from './journal.ts';
import { checkInvariants } from './invariants.ts';

const event = (type: string, subject: string, sequence: number): EventRow => ({
  id: `${type} ${subject} ${sequence}`,
  type,
  subject,
  sequence,
  is_published: true,
  is_received: type.startsWith('order.') || ['payment.success', 'payment.expired', 'payment.refunded'].includes(type),
});

const order = (id: string, history: string[]): OrderRow => ({
  id,
  user_id: 'user-1',
  status: history.at(-1)!,
  reason: null,
  version: history.length,
  marker: `note of ${id}`,
  amount: '1000',
  currency: 'USD',
  history,
  versions: history.map((_, index) => index + 1),
});

const payment = (orderId: string, differences: Partial<PaymentRow>): PaymentRow => ({
  id: `payment of ${orderId}`,
  order_id: orderId,
  amount: '1000',
  refunded_amount: '0',
  currency: 'USD',
  status: 'success',
  provider: 'simulated',
  transaction_id: `ch of ${orderId}`,
  version: 3,
  marker: null,
  is_paid: true,
  order_status: 'confirmed',
  ...differences,
});

const charge = (orderId: string) => ({
  key: `payment of ${orderId}`,
  transaction_id: `ch of ${orderId}`,
  amount: '1000',
  currency: 'USD',
  decline_reason: null,
});

const unpaid = { is_paid: false, provider: null, transaction_id: null };

/** One order that is paid, at the second try; one that was cancelled after it was paid, and one before. */
function soundLedger() {
  const paid = order('paid', ['pending', 'confirmed']);
  const unwanted = order('unpaid', ['pending', 'cancelled']);
  const late = { ...order('late', ['pending', 'cancelled']), reason: 'expired' };
  const cancelled = order('cancelled', ['pending', 'confirmed', 'cancelled']);
  const refund = {
    id: 'refund',
    payment_id: 'payment of cancelled',
    amount: '1000',
    status: 'succeeded',
    reason: 'order cancelled',
    transaction_id: 're',
  };
  const ledger = {
    users: [{ id: 'user-1', email: 'john@example.com' }],
    orders: [paid, cancelled, unwanted, late],
    payments: [
      payment('paid', {}),
      payment('cancelled', { status: 'refunded', refunded_amount: '1000', order_status: 'cancelled' }),
      payment('paid', { ...unpaid, id: 'declined payment of paid', status: 'failed' }),
      payment('unpaid', { ...unpaid, status: 'cancelled', version: 2, order_status: 'cancelled' }),
      payment('late', { ...unpaid, status: 'cancelled', version: 2, order_status: 'cancelled' }),
    ],
    refunds: [refund],
    charges: [charge('paid'), charge('cancelled')],
    chargeRefunds: [
      {
        key: 'refund',
        transaction_id: 're',
        charge_transaction_id: 'ch of cancelled',
        amount: '1000',
        currency: 'USD',
        decline_reason: null,
      },
    ],
    events: {
      user: [event('user.created', 'user-1', 1)],
      order: [paid, cancelled, unwanted, late].flatMap(({ id, versions }) =>
        versions.map((version) => event(version === 1 ? 'order.created' : 'order.status_changed', id, version)),
      ),
      payment: [
        ...['paid', 'cancelled'].flatMap((id) => [
          event('payment.created', `payment of ${id}`, 1),
          event('payment.processing', `payment of ${id}`, 2),
          event('payment.success', `payment of ${id}`, 3),
        ]),
        event('payment.refunded', 'payment of cancelled', 5),
        event('payment.created', 'declined payment of paid', 1),
        event('payment.processing', 'declined payment of paid', 2),
        event('payment.failed', 'declined payment of paid', 3),
        event('payment.created', 'payment of unpaid', 1),
        event('payment.cancelled', 'payment of unpaid', 2),
        event('payment.created', 'payment of late', 1),
        event('payment.expired', 'payment of late', 2),
      ],
    },
    inboxes: { order: new Set<string>(), payment: new Set<string>() },
  } satisfies Ledger;
  for (const { id } of ledger.events.order) ledger.inboxes.payment.add(id);
  for (const { id, is_received: isReceived } of ledger.events.payment) if (isReceived) ledger.inboxes.order.add(id);
  return ledger;
}

const acknowledged: Acknowledged[] = [
  { kind: 'user', id: 'user-1', email: 'john@example.com' },
  { kind: 'order', id: 'paid', userId: 'user-1', marker: 'note of paid' },
  { kind: 'cancelled order', orderId: 'cancelled' },
  { kind: 'paid', paymentId: 'payment of paid' },
];

type SoundLedger = ReturnType<typeof soundLedger>;

/** As if the event had been lost before it was written. */
const forget = ({ events }: SoundLedger, type: string): void => {
  events.payment = events.payment.filter((reported) => reported.type !== type);
};
const notifyAgain = ({ events, inboxes }: SoundLedger, type: string): void => {
  const reported = events.payment.find((one) => one.type === type)!;
  const again = { ...reported, id: 'another', sequence: 9 };
  events.payment.push(again);
  inboxes.order.add(again.id);
};

/** What is broken, how, and the rule that says so. */
const faults: [string, (ledger: SoundLedger) => void, string][] = [
  ['an order is lost', (ledger) => ledger.orders.shift(), 'acknowledged writes exist'],
  ['a user is lost', (ledger) => ledger.users.shift(), 'acknowledged writes exist'],
  [
    'a cancelled order is confirmed',
    ({ orders: [, two] }) => Object.assign(two!, { status: 'confirmed' }),
    'acknowledged writes exist',
  ],
  [
    'a payment that succeeded has failed',
    ({ payments: [one] }) => Object.assign(one!, { status: 'failed', is_paid: false }),
    'acknowledged writes exist',
  ],
  [
    'an order was placed twice',
    (ledger) => ledger.orders.push({ ...ledger.orders[0]!, id: 'twin' }),
    'asked once, done once',
  ],
  [
    'an order has two live payments',
    (ledger) => ledger.payments.push(payment('paid', { id: 'another' })),
    'at most one live payment an order',
  ],
  [
    'payment-service missed a status',
    ({ payments: [one] }) => Object.assign(one!, { order_status: 'pending' }),
    'the services agree',
  ],
  [
    'a payment is of another amount',
    ({ payments: [one] }) => Object.assign(one!, { amount: '999' }),
    'the services agree',
  ],
  [
    'a charge is not settled',
    ({ payments: [one] }) => Object.assign(one!, { status: 'processing', is_paid: false }),
    'every charge is settled',
  ],
  [
    'a paid order is still pending',
    ({ orders: [one] }) => Object.assign(one!, { status: 'pending', history: ['pending'], versions: [1], version: 1 }),
    'paid orders are confirmed or refunded',
  ],
  [
    'a confirmed order is not paid',
    ({ payments: [one] }) => Object.assign(one!, { status: 'cancelled', is_paid: false }),
    'only paid orders are confirmed',
  ],
  [
    "a cancelled order's money stays",
    ({ payments: [, two] }) => Object.assign(two!, { status: 'success' }),
    "a cancelled order's money is the customer's",
  ],
  [
    'an order was confirmed twice',
    ({ orders: [one] }) => {
      Object.assign(one!, { history: ['pending', 'confirmed', 'confirmed'], versions: [1, 2, 3], version: 3 });
    },
    'every change once',
  ],
  ['a charge is unknown here', (ledger) => ledger.charges.push(charge('nobody')), "the provider's ledger is ours"],
  ['a charge is unknown there', (ledger) => ledger.charges.shift(), "the provider's ledger is ours"],
  [
    'the provider charged another amount',
    ({ charges: [one] }) => Object.assign(one!, { amount: '1' }),
    "the provider's ledger is ours",
  ],
  ['a refund is unknown there', (ledger) => ledger.chargeRefunds.shift(), "the provider's ledger is ours"],
  [
    'a refund was done twice there',
    (ledger) => ledger.chargeRefunds.push({ ...ledger.chargeRefunds[0]!, key: 'refund again' }),
    "the provider's ledger is ours",
  ],
  [
    'a refund waits indefinitely',
    ({ refunds: [one] }) => Object.assign(one!, { status: 'pending' }),
    'every refund is settled',
  ],
  [
    'refunds and their sum differ',
    ({ payments: [, two] }) => Object.assign(two!, { refunded_amount: '1' }),
    'refunds add up',
  ],
  [
    'more is given back than was paid',
    (ledger) => ledger.refunds.push({ ...ledger.refunds[0]!, id: 'more' }),
    'never more back than was paid',
  ],
  ['an event was not published', ({ events }) => (events.user[0]!.is_published = false), 'outboxes are empty'],
  ['an event was not handled', ({ inboxes }) => inboxes.order.clear(), 'every event has its effect'],
  ['a change was not notified of', ({ events }) => events.order.pop(), 'every change is reported once'],
  [
    'a change was reported twice',
    ({ events }) => events.payment.push({ ...events.payment[0]! }),
    'every change is reported once',
  ],
  [
    'a paid order has expired',
    ({ orders: [, two] }) => Object.assign(two!, { reason: 'expired' }),
    'no paid order expires',
  ],
  [
    'an order has expired without an event',
    (ledger) => forget(ledger, 'payment.expired'),
    'payment-service decides what expires',
  ],
  [
    'an order has expired twice',
    (ledger) => notifyAgain(ledger, 'payment.expired'),
    'payment-service decides what expires',
  ],
  ...['payment.success', 'payment.failed', 'payment.cancelled', 'payment.refunded'].flatMap((type): typeof faults => [
    [`${type} is lost`, (ledger) => forget(ledger, type), 'every change is reported once'],
    [`${type} was reported twice`, (ledger) => notifyAgain(ledger, type), 'every change is reported once'],
  ]),
];

describe('the invariant check of the crash matrix', () => {
  it('everything is as it should be -> nothing to say', () => {
    expect(checkInvariants(soundLedger(), acknowledged)).toEqual([]);
  });

  it.each(faults)('%s -> found', (_, breakLedger, rule) => {
    const ledger = soundLedger();
    breakLedger(ledger);
    expect(checkInvariants(ledger, acknowledged).map((violation) => violation.rule)).toContain(rule);
  });
});
