import { z } from 'zod';
import { orderResource } from './order.js';
import { paymentResource, refundResource } from './payment.js';
import { reader } from './reader.js';
import { userResource } from './user.js';

const orderStatusChange = z.object({
  status: z.string(),
  at: z.iso.datetime(),
  by: z.string(),
  reason: z.string().nullish(),
});
export type ReadOrderStatusChange = z.infer<typeof orderStatusChange>;

export const orderReader = reader(
  orderResource.extend({ status: z.string(), statusHistory: z.array(orderStatusChange).optional() }),
);
export type ReadOrder = z.infer<typeof orderReader>;

export const paymentReader = reader(
  paymentResource.omit({ refunds: true }).extend({ status: z.string(), method: z.string() }),
);
export type ReadPayment = z.infer<typeof paymentReader>;

export const refundReader = reader(refundResource.extend({ status: z.string() }));
export type ReadRefund = z.infer<typeof refundReader>;

export const userReader = reader(userResource.extend({ role: z.string() }));
export type ReadUser = z.infer<typeof userReader>;

/** The value where it is one of those that are known; null for one of a later version. */
export const known = <T extends string>(values: readonly T[], value: string): T | null =>
  values.find((candidate) => candidate === value) ?? null;
