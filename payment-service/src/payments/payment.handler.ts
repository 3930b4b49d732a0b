import type { Actor } from '@shop/common/auth';
import { accepted, leaseOf, created, ok, page, type Input, type Reply } from '@shop/common/http';
import { batchMeta, metaOf, toPageRequest, type JsonRows } from '@shop/common/paging';
import type { Payment } from './payment.js';
import { toPaymentResource, toRefundResource } from './payment.resource.js';
import type { PaymentService, Scope } from './payment.service.js';
import type {
  CreatePaymentBody,
  OrderParams,
  PaymentListQuery,
  PaymentParams,
  ProcessPaymentBody,
  RefundParams,
  RefundPaymentBody,
  SettleRefundBody,
} from './payment.validator.js';
import type { RefundOfPayment, RefundService } from './refund.service.js';

/** Between HTTP and the use cases. */
export class PaymentHandler {
  readonly #payments: PaymentService;
  readonly #refunds: RefundService;

  constructor({ payments, refunds }: { payments: PaymentService; refunds: RefundService }) {
    this.#payments = payments;
    this.#refunds = refunds;
  }

  create = async ({ actor, body, token, leasedKey }: Input<unknown, unknown, CreatePaymentBody>): Promise<Reply> =>
    opened(await this.#payments.create(actor, body, token, leaseOf(leasedKey, opened)));

  list = async ({ actor, query }: Input<unknown, PaymentListQuery>): Promise<Reply> =>
    this.#list(actor, 'visible', query);

  listOwn = async ({ actor, query }: Input<unknown, PaymentListQuery>): Promise<Reply> =>
    this.#list(actor, 'own', query);

  get = async ({ actor, params }: Input<PaymentParams>): Promise<Reply> => {
    const { json, version } = await this.#payments.view(actor, params.id);
    return ok('Payment retrieved', json, version);
  };

  getOfOrder = async ({ actor, params }: Input<OrderParams>): Promise<Reply> => {
    const { json, id, version } = await this.#payments.viewOfOrder(actor, params.orderId);
    // At this address another payment may stand tomorrow, in the same version.
    return ok('Payment retrieved', json, `${id}.${version}`);
  };

  process = async ({
    actor,
    params,
    body,
    leasedKey,
  }: Input<PaymentParams, unknown, ProcessPaymentBody>): Promise<Reply> =>
    processed(await this.#payments.process(actor, params.id, body, leaseOf(leasedKey, processed)));

  refund = async ({
    actor,
    params,
    body,
    leasedKey,
  }: Input<PaymentParams, unknown, RefundPaymentBody>): Promise<Reply> =>
    refunded(await this.#refunds.request(actor, params.id, body, leaseOf(leasedKey, refunded)));

  listRefunds = async ({ actor, params }: Input<PaymentParams>): Promise<Reply> => {
    const payment = await this.#payments.get(actor, params.id);
    const refunds = await this.#refunds.list(payment);
    const resources = refunds.map(toRefundResource);
    return page('Refunds retrieved', resources, batchMeta(resources.length));
  };

  settleRefund = async ({
    actor,
    params: { id: paymentId, refundId },
    body,
  }: Input<RefundParams, unknown, SettleRefundBody>): Promise<Reply> => {
    const refund = await this.#refunds.settleByHand(actor, { paymentId, refundId }, body);
    return ok('Refund settled', toRefundResource(refund));
  };

  async #list(actor: Actor, scope: Scope, query: PaymentListQuery): Promise<Reply> {
    switch (query.kind) {
      case 'ids':
        return batch(await this.#payments.listByIds(actor, scope, query.ids));
      case 'orders':
        return batch(await this.#payments.listByOrders(actor, scope, query.orderIds));
      case 'page': {
        const list = { scope, status: query.status, userId: query.userId };
        const request = toPageRequest(query.page, list);
        const { rows, ...slice } = await this.#payments.list(actor, list, request, { detailed: query.refunds });
        return page('Payments retrieved', rows, metaOf(slice, request, list));
      }
    }
  }
}

const shown = (message: string, payment: Payment): Reply => ok(message, toPaymentResource(payment), payment.version);

const opened = (payment: Payment): Reply =>
  created('Payment created', toPaymentResource(payment), {
    location: `/api/v1/payments/${payment.id}`,
    version: payment.version,
  });

const processed = (payment: Payment): Reply =>
  payment.status === 'processing'
    ? accepted('Payment is being processed', toPaymentResource(payment), payment.version)
    : shown('Payment processed', payment);

const refunded = ({ refund, payment }: RefundOfPayment): Reply =>
  refund.status === 'pending'
    ? accepted('Refund is being processed', toPaymentResource(payment), payment.version)
    : shown('Payment refunded', payment);

const batch = ({ rows, count }: JsonRows): Reply => page('Payments retrieved', rows, batchMeta(count));
