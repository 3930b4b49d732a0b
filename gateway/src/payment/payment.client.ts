import {
  paymentReader,
  refundReader,
  type PaymentMethod,
  type ReadPayment,
  type PaymentStatus,
  type ReadRefund,
} from '@shop/common/contracts';
import { z } from 'zod';
import type { CallerService } from '../caller-service.js';
import type { CreatePaymentInput } from '../generated/resolvers.js';
import type { Connection, PageQuery } from '../page.js';
import { resourcePath } from '../resource-path.js';

const PAYMENTS = '/api/v1/payments';

const payments = z.array(paymentReader);
const refunds = z.array(refundReader);
/** Passed on as they come, also what this version does not know of. */
const wholePayments = z.array(z.looseObject({}));

export interface PaymentPageQuery extends PageQuery {
  status: PaymentStatus | null | undefined;
}

/** What the gateway asks of payment-service. */
export class PaymentClient {
  readonly #service: CallerService;

  constructor(service: CallerService) {
    this.#service = service;
  }

  async get(id: string): Promise<ReadPayment> {
    return this.#service.ask(paymentReader, { method: 'GET', path: resourcePath(PAYMENTS, id) });
  }

  /** The latest payment of an order. */
  async ofOrder(orderId: string): Promise<ReadPayment> {
    const path = resourcePath(`${PAYMENTS}/order`, orderId, 'orderId');
    return this.#service.ask(paymentReader, { method: 'GET', path });
  }

  list(query: PaymentPageQuery): Promise<Connection<ReadPayment>> {
    return this.#service.page(payments, PAYMENTS, { ...query });
  }

  listOwn(query: PageQuery): Promise<Connection<ReadPayment>> {
    return this.#service.page(payments, `${PAYMENTS}/my-payments`, query);
  }

  /** All that is known of one user's payments. */
  ofUser(userId: string, query: PageQuery): Promise<Connection<object>> {
    return this.#service.page(wholePayments, PAYMENTS, { ...query, userId, refunds: true });
  }

  /** The latest payment of each order. */
  ofOrders(orderIds: readonly string[]): Promise<readonly ReadPayment[]> {
    const query = { orderIds: orderIds.join(',') };
    return this.#service.ask(payments, { method: 'GET', path: PAYMENTS, query });
  }

  async refunds(id: string): Promise<ReadRefund[]> {
    const path = `${resourcePath(PAYMENTS, id)}/refunds`;
    return this.#service.ask(refunds, { method: 'GET', path });
  }

  create(body: CreatePaymentInput, idempotencyKey: string | undefined): Promise<ReadPayment> {
    return this.#service.ask(paymentReader, { method: 'POST', path: PAYMENTS, body, idempotencyKey });
  }

  async process(
    id: string,
    body: { token?: string | null; method?: PaymentMethod | null },
    idempotencyKey: string | undefined,
  ): Promise<ReadPayment> {
    const path = `${resourcePath(PAYMENTS, id)}/process`;
    return this.#service.ask(paymentReader, { method: 'POST', path, body, idempotencyKey });
  }

  async refund(
    id: string,
    body: { amount?: number | null; reason?: string | null },
    idempotencyKey: string | undefined,
  ): Promise<ReadPayment> {
    const path = `${resourcePath(PAYMENTS, id)}/refund`;
    return this.#service.ask(paymentReader, { method: 'POST', path, body, idempotencyKey });
  }
}
