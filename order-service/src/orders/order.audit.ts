import type { AuditActor, AuditEntry } from '@shop/common/contracts';
import type { Order, OrderStatus } from './order.js';

const subjectOf = ({ id }: Order) => ({ kind: 'order', id }) as const;

/** A person changed an order's status; the reason stands in the order's history. */
export const statusChangedBy = (actor: AuditActor, order: Order, from: OrderStatus): AuditEntry => ({
  action: 'order.status_changed',
  actor,
  subject: subjectOf(order),
  details: { from, to: order.status },
});

export const deletedBy = (actor: AuditActor, order: Order): AuditEntry => ({
  action: 'order.deleted',
  actor,
  subject: subjectOf(order),
});
