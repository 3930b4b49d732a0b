import type { EventDraft } from '@shop/common/contracts';
import type { Order, OrderStatus } from './order.js';
import { toResource } from './order.resource.js';

const dataOf = (order: Order) => ({ ...toResource(order), currencyDecimals: order.currencyDecimals });

export const orderCreated = (order: Order): EventDraft => ({
  type: 'order.created',
  subject: order.id,
  sequence: order.version,
  data: dataOf(order),
});

export const orderStatusChanged = (order: Order, previousStatus: OrderStatus): EventDraft => ({
  type: 'order.status_changed',
  subject: order.id,
  sequence: order.version,
  data: { ...dataOf(order), previousStatus, reason: order.statusReason },
});
