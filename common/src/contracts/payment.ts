import { z } from 'zod';

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
  /** The provider's own word for it. */
  type: z.string(),
  /** Where the customer has to go. */
  url: z.string().optional(),
  /** What the provider's script in the customer's browser needs. */
  clientSecret: z.string().optional(),
});
export type NextAction = z.infer<typeof nextAction>;

/** A payment as REST answers and events carry it. Amounts are in major units of `currency` (19.99). */
export const paymentResource = z.object({
  id: z.uuid(),
  orderId: z.uuid(),
  userId: z.uuid(),
  amount: z.number(),
  refundedAmount: z.number(),
  currency: z.string(),
  status: z.enum(paymentStatuses),
  method: z.enum(paymentMethods),
  transactionId: z.string().nullable(),
  provider: z.string().nullable(),
  nextAction: nextAction.nullish(),
  description: z.string().nullable(),
  failureReason: z.string().nullable(),
  paidAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type PaymentResource = z.infer<typeof paymentResource>;

export const refundResource = z.object({
  id: z.uuid(),
  amount: z.number(),
  status: z.enum(refundStatuses),
  reason: z.string().nullable(),
  createdAt: z.iso.datetime(),
});
export type RefundResource = z.infer<typeof refundResource>;
