import type { OrderResource } from '@shop/common/contracts';
import { toMajorUnits } from '@shop/common/money';
import type { DetailedOrder, Order } from './order.js';

/** An order as lists and events show it. */
export const toResource = (order: Order): OrderResource => ({
  id: order.id,
  userId: order.userId,
  status: order.status,
  statusReason: order.statusReason,
  totalAmount: toMajorUnits(order.totalAmount, order.currencyDecimals),
  currency: order.currency,
  shippingAddress: order.shippingAddress,
  notes: order.notes,
  items: order.items.map(({ id, productId, productName, quantity, unitPrice }) => ({
    id,
    productId,
    productName,
    quantity,
    unitPrice: toMajorUnits(unitPrice, order.currencyDecimals),
  })),
  payableUntil: order.payableUntil.toISOString(),
  createdAt: order.createdAt.toISOString(),
  updatedAt: order.updatedAt.toISOString(),
});

/** An order as it is shown by itself. */
export const toDetailedResource = (order: DetailedOrder): OrderResource => ({
  ...toResource(order),
  statusHistory: order.statusHistory.map(({ status, at, by, reason }) => ({
    status,
    at: at.toISOString(),
    by,
    reason,
  })),
});
