import type { Request } from 'express';
import { paymentMethods, paymentStatuses, type PaymentStatus } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import {
  amount,
  bodyOf,
  currencyCode,
  oneOf,
  optional,
  pageRules,
  paramsOf,
  queryIds,
  queryOf,
  text,
  uuid,
} from '@shop/common/http';
import { refusePaging, type PageQuery } from '@shop/common/paging';

export const createPaymentBody = bodyOf({
  orderId: uuid(),
  amount: amount(),
  // The order's own, as it was stored: that it circulates no longer keeps nobody from paying.
  currency: currencyCode(),
  method: oneOf(paymentMethods),
  description: optional(text({ min: 0, max: 500 })),
});
export type CreatePaymentBody = Awaited<ReturnType<typeof createPaymentBody>>;

export const processPaymentBody = bodyOf({
  token: optional(text({ max: 255 })),
  method: optional(oneOf(paymentMethods)),
});
export type ProcessPaymentBody = Awaited<ReturnType<typeof processPaymentBody>>;

export const refundPaymentBody = bodyOf({
  amount: optional(amount()),
  reason: optional(text({ min: 0, max: 500 })),
});
export type RefundPaymentBody = Awaited<ReturnType<typeof refundPaymentBody>>;

export const settleRefundBody = bodyOf({
  outcome: oneOf(['succeeded', 'failed']),
  reason: optional(text({ min: 0, max: 500 })),
});
export type SettleRefundBody = Awaited<ReturnType<typeof settleRefundBody>>;

export const refundParams = paramsOf({ id: uuid(), refundId: uuid() });
export type RefundParams = Awaited<ReturnType<typeof refundParams>>;

export const paymentParams = paramsOf({ id: uuid() });
export type PaymentParams = Awaited<ReturnType<typeof paymentParams>>;

export const orderParams = paramsOf({ orderId: uuid() });
export type OrderParams = Awaited<ReturnType<typeof orderParams>>;

/** Which payments are asked for: a page of a list, those named, or the latest of some orders. */
export type PaymentListQuery =
  | { kind: 'page'; page: PageQuery; status: PaymentStatus | undefined }
  | { kind: 'ids'; ids: readonly string[] }
  | { kind: 'orders'; orderIds: readonly string[] };

const listQuery = queryOf({
  ...pageRules,
  status: optional(oneOf(paymentStatuses)),
  ids: optional(queryIds()),
  orderIds: optional(queryIds()),
});

export async function paymentsQuery(request: Request): Promise<PaymentListQuery> {
  const { ids, orderIds, status, ...page } = await listQuery(request);
  if (ids === undefined && orderIds === undefined) return { kind: 'page', page, status };
  refusePaging(page);
  if (status !== undefined) refuse('status', 'can not be combined with a batch of ids');
  if (orderIds === undefined) return { kind: 'ids', ids: ids ?? [] };
  if (ids !== undefined) refuse('ids', 'can not be combined with orderIds');
  return { kind: 'orders', orderIds };
}

function refuse(field: string, message: string): never {
  throw new InvalidInput([{ field, message }]);
}
