import { z } from 'zod';

const id = z.int();

/** What a worker sends to its primary. */
export const toPrimary = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('count'), id, entries: z.array(z.tuple([z.string(), z.int().positive()])) }),
  z.object({ type: z.literal('metrics'), id }),
  z.object({ type: z.literal('collected'), id, text: z.string() }),
]);
export type ToPrimary = z.infer<typeof toPrimary>;

/** What a primary sends to a worker. */
export const toWorker = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('counted'),
    id,
    counts: z.array(z.object({ total: z.int(), endsAt: z.number() })),
  }),
  z.object({ type: z.literal('metrics'), id, texts: z.array(z.string()) }),
  z.object({ type: z.literal('collect'), id }),
]);
export type ToWorker = z.infer<typeof toWorker>;
