import { z } from 'zod';

/** Whatever contradicts our ledger. Names are only ever added; the database of payment-service knows the same ones. */
export const discrepancyKinds = [
  /** The provider took money for a payment that isn't paid here. */
  'charged_not_paid',
  /** Paid here, and the provider declined it or knows nothing of it. */
  'paid_not_charged',
  /** Both say that money moved, and not the same amount, or not in the same currency. */
  'amount_differs',
  /** Both say that money moved, under two names of the provider's. */
  'transaction_differs',
  /** The outcome is unknown for longer than it may be. */
  'unsettled',
  /** A refund succeeded here, and the provider says that it failed. */
  'refund_failed_after_success',
  /** A refund was declined and is not tried again: the customer waits for money. */
  'refund_declined',
  /** The provider gave money back that no refund of ours stands for, such as by hand in its dashboard. */
  'refund_at_provider',
  /** A customer has the charge disputed. */
  'dispute',
  /** The order is paid, and not confirmed long after. */
  'order_not_confirmed',
  /** Order-service and payment-service say different things of the same order. */
  'order_differs',
] as const;
export type DiscrepancyKind = (typeof discrepancyKinds)[number];

export const discrepancyStatuses = ['open', 'closed'] as const;
export type DiscrepancyStatus = (typeof discrepancyStatuses)[number];

/** A discrepancy as REST answers carry it. */
export const discrepancyResource = z.object({
  id: z.uuid(),
  kind: z.enum(discrepancyKinds),
  status: z.enum(discrepancyStatuses),
  provider: z.string().nullable(),
  /** The provider's own name for what it is about. */
  reference: z.string().nullable(),
  orderId: z.uuid().nullable(),
  paymentId: z.uuid().nullable(),
  refundId: z.uuid().nullable(),
  details: z.record(z.string(), z.unknown()),
  /** How often it was seen. */
  occurrences: z.int(),
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
  /** The admin who closed it. */
  closedBy: z.uuid().nullable(),
  note: z.string().nullable(),
});
export type DiscrepancyResource = z.infer<typeof discrepancyResource>;
