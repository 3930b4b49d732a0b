import { z } from 'zod';
import { resourceRegistry } from './resource-registry.js';

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
export const orderResource = z
  .object({
    id: z.uuid(),
    userId: z.uuid(),
    status: z.enum(orderStatuses),
    statusReason: z.string().nullable().describe('Why it has this status, where somebody said so.'),
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
    statusHistory: z
      .array(
        z.object({
          status: z.enum(orderStatuses),
          at: z.iso.datetime(),
          by: z.string(),
          reason: z.string().nullable(),
        }),
      )
      .optional()
      .describe('Only on the single order. `by` is the id of a user, or `system`.'),
    payableUntil: z.iso.datetime().describe('Until when it can be paid.'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .register(resourceRegistry, {
    id: 'Order',
    description: 'An order. Amounts are in major units of its currency.',
    example: {
      id: '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b',
      userId: '019a2b3c-0000-7000-8000-000000000001',
      status: 'pending',
      statusReason: null,
      totalAmount: 39.98,
      currency: 'USD',
      shippingAddress: '1 Main Street, Springfield',
      notes: null,
      items: [
        {
          id: '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5c',
          productId: 'book-42',
          productName: 'A book',
          quantity: 2,
          unitPrice: 19.99,
        },
      ],
      statusHistory: [
        {
          status: 'pending',
          at: '2026-01-31T12:00:00.000Z',
          by: '019a2b3c-0000-7000-8000-000000000001',
          reason: null,
        },
      ],
      payableUntil: '2026-01-31T12:30:00.000Z',
      createdAt: '2026-01-31T12:00:00.000Z',
      updatedAt: '2026-01-31T12:00:00.000Z',
    },
  });
export type OrderResource = z.infer<typeof orderResource>;
