// Whether each change was reported once, and reached whom it concerns.
import type { EventRow, Ledger } from './ledger.ts';
import { doubles, type Report } from './violations.ts';

/** Each change was reported once, and each event was published, and handled where somebody consumes it. */
export function checkEvents({ events, inboxes, orders, payments, refunds }: Ledger, report: Report): void {
  for (const [database, reported] of Object.entries(events)) {
    const waiting = reported.filter((event) => !event.is_published);
    if (waiting.length > 0)
      report('outboxes are empty', `${waiting.length} event(s) of ${database} wait, ${nameOf(waiting[0])} first`);
    const names = reported.map(({ subject, sequence, type }) => `${type.split('.')[0]} ${subject} version ${sequence}`);
    for (const name of doubles(names)) report('every change is reported once', `${name} was announced more than once`);
  }
  const lost = (reported: readonly EventRow[], inbox: ReadonlySet<string>, by: string) => {
    for (const event of reported.filter(({ id, is_received: isReceived }) => isReceived && !inbox.has(id))) {
      report('every event has its effect', `${nameOf(event)} was not handled by ${by}`, event.subject);
    }
  };
  lost(events.order, inboxes.payment, 'payment-service');
  lost(events.payment, inboxes.order, 'order-service');
  const notifiedOf = (reported: readonly EventRow[]) =>
    new Set(reported.map(({ subject, sequence }) => `${subject} ${sequence}`));
  const ofOrders = notifiedOf(events.order);
  for (const { id, version } of orders) {
    for (let one = 1; one <= version; one++) {
      if (!ofOrders.has(`${id} ${one}`))
        report('every change is reported once', `version ${one} of order ${id} was not published`, id);
    }
  }
  const ofPayments = notifiedOf(events.payment);
  for (const { id, order_id: orderId } of payments) {
    if (!ofPayments.has(`${id} 1`)) report('every change is reported once', `payment ${id} was not published`, orderId);
  }
  checkPaymentEvents({ events, payments, refunds }, report);
  const expiries = Map.groupBy(
    events.payment.filter(({ type }) => type === 'payment.expired'),
    ({ subject }) => payments.find(({ id }) => id === subject)?.order_id,
  );
  for (const { id, reason } of orders) {
    const found = expiries.get(id)?.length ?? 0;
    // One may expire while its owner cancels it: then it was cancelled first.
    if (found > 1 || (reason === 'expired' && found === 0))
      report('payment-service decides what expires', `order ${id} (${reason}): ${found} payment.expired`, id);
  }
}

/** What has become of a payment was published: once that it was paid, failed or was cancelled, and once for each refund. */
function checkPaymentEvents(
  { events, payments, refunds }: Pick<Ledger, 'events' | 'payments' | 'refunds'>,
  report: Report,
): void {
  const reported = Map.groupBy(events.payment, ({ type, subject }) => `${type} ${subject}`);
  const done = Map.groupBy(
    refunds.filter(({ status }) => status === 'succeeded'),
    ({ payment_id: paymentId }) => paymentId,
  );
  for (const { id, order_id: orderId, status, is_paid: isPaid } of payments) {
    const due = {
      'payment.success': isPaid ? 1 : 0,
      'payment.failed': status === 'failed' ? 1 : 0,
      'payment.cancelled': status === 'cancelled' && !reported.has(`payment.expired ${id}`) ? 1 : 0,
      'payment.refunded': done.get(id)?.length ?? 0,
    };
    for (const [type, times] of Object.entries(due)) {
      const found = reported.get(`${type} ${id}`)?.length ?? 0;
      if (found !== times)
        report('every change is reported once', `${type} of payment ${id}: ${found} event(s), not ${times}`, orderId);
    }
  }
}

const nameOf = (event: EventRow | undefined): string => (event ? `${event.type} ${event.id} of ${event.subject}` : '-');
