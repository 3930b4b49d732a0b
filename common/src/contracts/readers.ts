import { z } from 'zod';
import { orderResource } from './order.js';
import { paymentResource, refundResource } from './payment.js';
import { userResource } from './user.js';

/**
 * How resources are read by another process than the one that writes them. Versions roll out in any order, so that a
 * reader ignores fields it does not know, takes values of enums that it does not know as text, and takes what may be null
 * for null where it is absent. A field that a later version adds is optional or nullable here.
 */
function reader<S extends z.ZodObject>(schema: S) {
  const nullable = Object.entries(schema.shape).filter(([, field]) => z.safeParse(field, null).success);
  const absent = Object.fromEntries(nullable.map(([name]) => [name, null]));
  return z.preprocess(
    (value) => (typeof value === 'object' && value !== null ? { ...absent, ...value } : value),
    schema,
  );
}

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

export const paymentReader = reader(paymentResource.extend({ status: z.string(), method: z.string() }));
export type ReadPayment = z.infer<typeof paymentReader>;

export const refundReader = reader(refundResource.extend({ status: z.string() }));
export type ReadRefund = z.infer<typeof refundReader>;

export const userReader = reader(userResource.extend({ role: z.string() }));
export type ReadUser = z.infer<typeof userReader>;

/** The value where it is one of those that are known; null for one of a later version. */
export const known = <T extends string>(values: readonly T[], value: string): T | null =>
  values.find((candidate) => candidate === value) ?? null;
