import type { EventDraft } from '@shop/common/contracts';
import type { Order, OrderStatus } from './order.js';
import { toResource } from './order.resource.js';

export const orderCreated = (order: Order): EventDraft => ({
  type: 'order.created',
  subject: order.id,
  sequence: order.version,
  data: toResource(order),
});

export const orderStatusChanged = (order: Order, previousStatus: OrderStatus): EventDraft => ({
  type: 'order.status_changed',
  subject: order.id,
  sequence: order.version,
  data: { ...toResource(order), previousStatus, reason: order.statusReason },
});
