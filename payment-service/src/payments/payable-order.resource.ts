import { known, orderStatuses, type IncomingEventOf } from '@shop/common/contracts';
import { currencyDecimals, toMinorUnits } from '@shop/common/money';
import type { PayableOrder } from './payable-order.js';

type KnownOrder = IncomingEventOf<'order.created'>['data'];

/**
 * What is to be known of an order, from order-service's own words, whose currency may be one that only order-service knows
 * yet: its events say how many decimals it has. A status of a later version counts as `confirmed`: the
 * order is neither called off nor expires, what was begun can be paid, and nothing new is opened.
 */
export function toPayableOrder(order: KnownOrder): PayableOrder {
  const decimals = order.currencyDecimals ?? currencyDecimals(order.currency);
  return {
    id: order.id,
    userId: order.userId,
    amount: toMinorUnits(order.totalAmount, order.currency, decimals),
    currency: order.currency,
    currencyDecimals: decimals,
    status: known(orderStatuses, order.status) ?? 'confirmed',
    payableUntil: new Date(order.payableUntil),
    expiredAt: null,
  };
}
