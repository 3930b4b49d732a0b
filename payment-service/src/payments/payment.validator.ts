import { paymentMethods, paymentStatuses, type PaymentStatus } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import {
  amount,
  bodyOf,
  currencyCode,
  described,
  oneOf,
  optional,
  optionalText,
  pageRules,
  paramsOf,
  queryFlag,
  queryIds,
  queryOf,
  refineQuery,
  text,
  uuid,
  withDefault,
} from '@shop/common/http';
import { refusePaging, type PageQuery } from '@shop/common/paging';

export const createPaymentBody = bodyOf({
  orderId: uuid(),
  amount: amount(),
  // The order's own, as it was stored: that it circulates no longer keeps nobody from paying.
  currency: currencyCode(),
  method: oneOf(paymentMethods),
  description: described(optionalText({ max: 500 }), 'For your own use.', 'Second try'),
});
export type CreatePaymentBody = Awaited<ReturnType<typeof createPaymentBody>>;

export const processPaymentBody = bodyOf({
  token: optional(
    described(text({ max: 255 }), "The provider's own name for a card; absent: its default.", 'tok_visa'),
  ),
  method: optional(described(oneOf(paymentMethods), 'Replaces the method of the payment.')),
});
export type ProcessPaymentBody = Awaited<ReturnType<typeof processPaymentBody>>;

export const refundPaymentBody = bodyOf({
  amount: optional(described(amount(), 'Absent: all that is left.', 19.99)),
  reason: described(optionalText({ max: 500 }), 'Why.', 'One book was damaged'),
});
export type RefundPaymentBody = Awaited<ReturnType<typeof refundPaymentBody>>;

export const settleRefundBody = bodyOf({
  outcome: oneOf(['succeeded', 'failed']),
  reason: described(optionalText({ max: 500 }), 'Why.', 'Paid out in the shop'),
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
  | {
      kind: 'page';
      page: PageQuery;
      status: PaymentStatus | undefined;
      userId: string | undefined;
      /** Whether each comes with its refunds. */
      refunds: boolean;
    }
  | { kind: 'ids'; ids: readonly string[] }
  | { kind: 'orders'; orderIds: readonly string[] };

const listQuery = queryOf({
  ...pageRules,
  status: optional(oneOf(paymentStatuses)),
  userId: optional(described(uuid(), 'Of this user alone, as far as you may see them.')),
  refunds: withDefault(described(queryFlag(), 'Whether each comes with its `refunds`.'), false),
  ids: optional(described(queryIds(), 'These payments alone, as far as you may see them.')),
  orderIds: optional(described(queryIds(), 'The latest payment of each of these orders.')),
});

export const paymentsQuery = refineQuery(listQuery, (asked, request): PaymentListQuery => {
  const { ids, orderIds, status, userId, refunds, ...page } = asked;
  if (ids === undefined && orderIds === undefined) return { kind: 'page', page, status, userId, refunds };
  refusePaging(page);
  for (const [field, value] of Object.entries({ status, userId, refunds: request.query.refunds })) {
    if (value !== undefined) refuse(field, 'can not be combined with a batch of ids');
  }
  if (orderIds === undefined) return { kind: 'ids', ids: ids ?? [] };
  if (ids !== undefined) refuse('ids', 'can not be combined with orderIds');
  return { kind: 'orders', orderIds };
});

function refuse(field: string, message: string): never {
  throw new InvalidInput([{ field, message }]);
}
