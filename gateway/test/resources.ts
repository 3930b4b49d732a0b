import { randomUUID } from 'node:crypto';
import {
  orderResource,
  paymentResource,
  resourceRegistry,
  userResource,
  type OrderResource,
  type PaymentResource,
  type UserResource,
} from '@shop/common/contracts';
import type { PageMeta } from '@shop/common/paging';
import type { z } from 'zod';

/** What the documents of the API show. */
function exampleOf<Schema extends z.ZodType>(schema: Schema) {
  const described = resourceRegistry.get(schema);
  if (described === undefined) throw new Error('a resource has no example');
  return described.example;
}

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
