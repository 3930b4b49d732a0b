import { randomUUID } from 'node:crypto';
import {
  exampleOf,
  orderResource,
  paymentResource,
  userResource,
  type OrderResource,
  type PaymentResource,
  type UserResource,
} from '@shop/common/contracts';
import type { PageMeta } from '@shop/common/paging';

export const aUser = (changes: Partial<UserResource> = {}): UserResource => ({
  ...exampleOf(userResource),
  id: randomUUID(),
  ...changes,
});

export const anOrder = (changes: Partial<OrderResource> = {}): OrderResource => ({
  ...exampleOf(orderResource),
  id: randomUUID(),
  userId: randomUUID(),
  ...changes,
});

/** Not paid yet. */
export const aPayment = (changes: Partial<PaymentResource> = {}): PaymentResource => ({
  ...exampleOf(paymentResource),
  id: randomUUID(),
  orderId: randomUUID(),
  userId: randomUUID(),
  status: 'pending',
  transactionId: null,
  provider: null,
  paidAt: null,
  ...changes,
});

export const aPage = (changes: Partial<PageMeta> = {}): PageMeta => ({
  total: null,
  limit: 10,
  offset: 0,
  hasMore: false,
  nextCursor: null,
  ...changes,
});
