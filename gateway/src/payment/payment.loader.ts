import type { ReadPayment, ReadRefund } from '@shop/common/contracts';
import DataLoader from 'dataloader';
import { BatchLoader } from '../batch-loader.js';
import type { PaymentClient } from './payment.client.js';

export interface PaymentLoaders {
  readonly paymentOfOrder: BatchLoader<ReadPayment>;
  readonly refundsOfPayment: DataLoader<string, ReadRefund[]>;
}

export const paymentLoaders = (payments: PaymentClient): PaymentLoaders => ({
  paymentOfOrder: new BatchLoader(
    (orderIds) => payments.ofOrders(orderIds),
    ({ orderId }) => orderId,
  ),
  // One call a payment: the service has no batch of refunds, and a query's cost bounds how many there can be.
  refundsOfPayment: new DataLoader(async ([paymentId = '']) => [await payments.refunds(paymentId)], { batch: false }),
});
