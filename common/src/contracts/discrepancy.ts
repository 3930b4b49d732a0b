import { z } from 'zod';
import { resourceRegistry } from './resource-registry.js';

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
export const discrepancyResource = z
  .object({
    id: z.uuid(),
    kind: z.enum(discrepancyKinds),
    status: z.enum(discrepancyStatuses),
    provider: z.string().nullable(),
    reference: z.string().nullable().describe("The provider's own name for what it is about."),
    orderId: z.uuid().nullable(),
    paymentId: z.uuid().nullable(),
    refundId: z.uuid().nullable(),
    details: z.record(z.string(), z.unknown()),
    occurrences: z.int().describe('How often it was seen.'),
    createdAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
    closedAt: z.iso.datetime().nullable(),
    closedBy: z.uuid().nullable().describe('The admin who closed it.'),
    note: z.string().nullable(),
  })
  .register(resourceRegistry, {
    id: 'Discrepancy',
    description: 'Something that contradicts our ledger, until an admin closes it.',
    example: {
      id: '019a2b3c-8091-7f60-8a9b-0c1d2e3f4a5b',
      kind: 'amount_differs',
      status: 'open',
      provider: 'simulated',
      reference: 'txn_1',
      orderId: '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b',
      paymentId: '019a2b3c-5d6e-7f60-8a9b-0c1d2e3f4a5b',
      refundId: null,
      details: { ours: '39.98 USD', theirs: '38.98 USD' },
      occurrences: 1,
      createdAt: '2026-01-31T13:00:00.000Z',
      lastSeenAt: '2026-01-31T13:00:00.000Z',
      closedAt: null,
      closedBy: null,
      note: null,
    },
  });
export type DiscrepancyResource = z.infer<typeof discrepancyResource>;
