import type { EventHandlers } from '@shop/common/messaging';
import { toPayableOrder } from './payable-order.resource.js';
import type { PaymentService } from './payment.service.js';

/** What happens to payments when something happens to their order. Whichever event comes first, the end is the same. */
export const orderEvents = (payments: PaymentService) =>
  ({
    'order.created': ({ data }, cause) => payments.followOrder(toPayableOrder(data), cause),
    'order.status_changed': ({ data }, cause) => payments.followOrder(toPayableOrder(data), cause),
  }) satisfies EventHandlers;
