import type { OrderResource } from '@shop/common/contracts';
import { currencyDecimals, toMinorUnits } from '@shop/common/money';
import type { PayableOrder } from './payable-order.js';

/** What is to be known of an order, from order-service's own words. */
export const toPayableOrder = (order: OrderResource): PayableOrder => ({
  id: order.id,
  userId: order.userId,
  amount: toMinorUnits(order.totalAmount, order.currency),
  currency: order.currency,
  currencyDecimals: currencyDecimals(order.currency),
  status: order.status,
  payableUntil: new Date(order.payableUntil),
  expiredAt: null,
});
