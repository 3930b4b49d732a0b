import { z } from 'zod';
import { resourceRegistry } from './resource-registry.js';

export const paymentMethods = ['card', 'bank_transfer', 'e_wallet', 'cash'] as const;
export type PaymentMethod = (typeof paymentMethods)[number];

export const paymentStatuses = [
  'pending',
  'processing',
  'success',
  'failed',
  'cancelled',
  'partially_refunded',
  'refunded',
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const refundStatuses = ['pending', 'succeeded', 'failed'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

/** What the customer has to do before the charge can go on, such as 3-D Secure: one of `url` and `clientSecret`. */
export const nextAction = z.object({
  type: z.string().describe("The provider's own word for it."),
  url: z.string().optional().describe('Where the customer has to go.'),
  clientSecret: z.string().optional().describe("What the provider's script in the customer's browser needs."),
});
export type NextAction = z.infer<typeof nextAction>;

export const refundResource = z
  .object({
    id: z.uuid(),
    amount: z.number(),
    status: z.enum(refundStatuses),
    reason: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .register(resourceRegistry, {
    id: 'Refund',
    description: 'Money that goes back, or went back, to whoever paid.',
    example: {
      id: '019a2b3c-6e7f-7f60-8a9b-0c1d2e3f4a5b',
      amount: 19.99,
      status: 'succeeded',
      reason: 'One book was damaged',
      createdAt: '2026-02-01T09:00:00.000Z',
    },
  });
export type RefundResource = z.infer<typeof refundResource>;

/** A payment as REST answers and events carry it. Amounts are in major units of `currency` (19.99). */
export const paymentResource = z
  .object({
    id: z.uuid(),
    orderId: z.uuid(),
    userId: z.uuid(),
    amount: z.number(),
    refundedAmount: z.number(),
    currency: z.string(),
    status: z.enum(paymentStatuses),
    method: z.enum(paymentMethods),
    transactionId: z.string().nullable().describe("The provider's own name for it."),
    provider: z.string().nullable(),
    nextAction: nextAction.nullish().describe('What the customer has to do before the charge can go on.'),
    description: z.string().nullable(),
    failureReason: z.string().nullable(),
    paidAt: z.iso.datetime().nullable(),
    refunds: z.array(refundResource).optional().describe('Only in lists that are asked for them.'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .register(resourceRegistry, {
    id: 'Payment',
    description: 'A payment of an order. Amounts are in major units of its currency.',
    example: {
      id: '019a2b3c-5d6e-7f60-8a9b-0c1d2e3f4a5b',
      orderId: '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b',
      userId: '019a2b3c-0000-7000-8000-000000000001',
      amount: 39.98,
      refundedAmount: 0,
      currency: 'USD',
      status: 'success',
      method: 'card',
      transactionId: 'txn_1',
      provider: 'simulated',
      description: null,
      failureReason: null,
      paidAt: '2026-01-31T12:05:00.000Z',
      createdAt: '2026-01-31T12:00:00.000Z',
      updatedAt: '2026-01-31T12:05:00.000Z',
    },
  });
export type PaymentResource = z.infer<typeof paymentResource>;
