import { known, orderStatuses, type IncomingEventOf } from '@shop/common/contracts';
import { currencyDecimals, toMinorUnits } from '@shop/common/money';
import type { PayableOrder } from './payable-order.js';

type KnownOrder = IncomingEventOf<'order.created'>['data'];

/**
 * What is to be known of an order, from order-service's own words. A status of a later version counts as `confirmed`: the
 * order is neither called off nor expires, what was begun can be paid, and nothing new is opened.
 */
export const toPayableOrder = (order: KnownOrder): PayableOrder => ({
  id: order.id,
  userId: order.userId,
  amount: toMinorUnits(order.totalAmount, order.currency),
  currency: order.currency,
  currencyDecimals: currencyDecimals(order.currency),
  status: known(orderStatuses, order.status) ?? 'confirmed',
  payableUntil: new Date(order.payableUntil),
  expiredAt: null,
});
