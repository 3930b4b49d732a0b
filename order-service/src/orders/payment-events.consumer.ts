import type { EventHandlers } from '@shop/common/messaging';
import type { OrderService } from './order.service.js';

/** What happens to an order when something happens to its payment. */
export const paymentEvents = (orders: OrderService) =>
  ({
    'payment.success': ({ data }, cause) => orders.confirmPaid(data.orderId, cause),
    'payment.expired': ({ data }, cause) => orders.cancelExpired(data.orderId, cause),
    'payment.refunded': async ({ data }, cause) => {
      if (data.status === 'refunded') await orders.cancelRefunded(data.orderId, cause);
      // Its success may come later, or be passed over as stale: what is refunded in part is paid.
      if (data.status === 'partially_refunded') await orders.confirmPaid(data.orderId, cause);
    },
  }) satisfies EventHandlers;
