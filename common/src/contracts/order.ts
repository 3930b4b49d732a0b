import { z } from 'zod';

export const orderStatuses = ['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

/**
 * The largest body that places an order, in bytes: 100 items and all texts at their limits take 218 kB as UTF-8 and 638 kB
 * where a client writes each character as two escapes of six (`\\uD83D\\uDE00`).
 */
export const MAX_ORDER_BYTES = 1_000_000;

/** What is wrong with the ids of a batch read whose rows take too many bytes; one of them alone never does. */
export const TOO_LARGE_TOGETHER = 'are of orders that are too large together: ask for fewer at a time';

/** An order as REST answers and events carry it. Amounts are in major units of `currency` (19.99). */
export const orderResource = z.object({
  id: z.uuid(),
  userId: z.uuid(),
  status: z.enum(orderStatuses),
  statusReason: z.string().nullable(),
  totalAmount: z.number(),
  currency: z.string(),
  shippingAddress: z.string(),
  notes: z.string().nullable(),
  items: z.array(
    z.object({
      id: z.uuid(),
      productId: z.string(),
      productName: z.string(),
      quantity: z.int(),
      unitPrice: z.number(),
    }),
  ),
  /** Only on the single order. `by` is a user's id, or `system`. */
  statusHistory: z
    .array(
      z.object({ status: z.enum(orderStatuses), at: z.iso.datetime(), by: z.string(), reason: z.string().nullable() }),
    )
    .optional(),
  payableUntil: z.iso.datetime(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type OrderResource = z.infer<typeof orderResource>;
