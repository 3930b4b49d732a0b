import { randomUUID } from 'node:crypto';
import type { EventOf, OrderResource, PaymentResource } from '@shop/common/contracts';

const envelope = (source: string, subject: string, sequence: number) => ({
  specversion: '1.0' as const,
  id: randomUUID(),
  source,
  subject,
  time: new Date().toISOString(),
  sequence,
});

export const orderChanged = (order: OrderResource, sequence: number): EventOf<'order.status_changed'> => ({
  ...envelope('/order-service', order.id, sequence),
  type: 'order.status_changed',
  data: { ...order, previousStatus: 'pending', reason: null },
});

export const paymentEvent = <T extends 'payment.created' | 'payment.failed' | 'payment.success'>(
  type: T,
  payment: PaymentResource,
  sequence: number,
) => ({ ...envelope('/payment-service', payment.id, sequence), type, data: payment });
