import { randomUUID } from 'node:crypto';
import type { OrderResource, PaymentResource, UserResource } from '@shop/common/contracts';
import type { PageMeta } from '@shop/common/paging';

const NOW = '2026-01-31T12:00:00.000Z';

export const aUser = (changes: Partial<UserResource> = {}): UserResource => ({
  id: randomUUID(),
  email: 'ada@example.com',
  firstName: 'Ada',
  lastName: 'Lovelace',
  fullName: 'Ada Lovelace',
  role: 'user',
  isActive: true,
  createdAt: NOW,
  updatedAt: NOW,
  ...changes,
});

export const anOrder = (changes: Partial<OrderResource> = {}): OrderResource => ({
  id: randomUUID(),
  userId: randomUUID(),
  status: 'pending',
  statusReason: null,
  totalAmount: 999.99,
  currency: 'USD',
  shippingAddress: '123 Main St, City, Country',
  notes: null,
  items: [{ id: randomUUID(), productId: 'prod-1', productName: 'Laptop', quantity: 1, unitPrice: 999.99 }],
  payableUntil: NOW,
  createdAt: NOW,
  updatedAt: NOW,
  ...changes,
});

export const aPayment = (changes: Partial<PaymentResource> = {}): PaymentResource => ({
  id: randomUUID(),
  orderId: randomUUID(),
  userId: randomUUID(),
  amount: 999.99,
  refundedAmount: 0,
  currency: 'USD',
  status: 'pending',
  method: 'card',
  transactionId: null,
  provider: null,
  nextAction: null,
  description: null,
  failureReason: null,
  paidAt: null,
  createdAt: NOW,
  updatedAt: NOW,
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
