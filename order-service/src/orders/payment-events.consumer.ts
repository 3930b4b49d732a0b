import type { EventHandlers } from '@shop/common/messaging';
import type { OrderService } from './order.service.js';

/** What happens to an order when something happens to its payment. */
export const paymentEvents = (orders: OrderService) =>
  ({
    'payment.success': ({ data }, cause) => orders.confirmPaid(data.orderId, cause),
    'payment.expired': ({ data }, cause) => orders.cancelExpired(data.orderId, cause),
    'payment.refunded': async ({ data }, cause) => {
      // A partial refund leaves the order as it is.
      if (data.status === 'refunded') await orders.cancelRefunded(data.orderId, cause);
    },
  }) satisfies EventHandlers;
