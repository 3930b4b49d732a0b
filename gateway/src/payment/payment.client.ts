import {
  paymentResource,
  refundResource,
  type PaymentMethod,
  type PaymentResource,
  type PaymentStatus,
  type RefundResource,
} from '@shop/common/contracts';
import { z } from 'zod';
import type { CallerService } from '../caller-service.js';
import type { CreatePaymentInput } from '../generated/resolvers.js';
import type { Connection, PageQuery } from '../page.js';
import { resourcePath } from '../resource-path.js';

const PAYMENTS = '/api/v1/payments';

export interface PaymentPageQuery extends PageQuery {
  status: PaymentStatus | null | undefined;
}

/** What the gateway asks of payment-service. */
export class PaymentClient {
  readonly #service: CallerService;

  constructor(service: CallerService) {
    this.#service = service;
  }

  async get(id: string): Promise<PaymentResource> {
    return this.#service.ask(paymentResource, { method: 'GET', path: resourcePath(PAYMENTS, id) });
  }

  /** The latest payment of an order. */
  async ofOrder(orderId: string): Promise<PaymentResource> {
    const path = resourcePath(`${PAYMENTS}/order`, orderId, 'orderId');
    return this.#service.ask(paymentResource, { method: 'GET', path });
  }

  list(query: PaymentPageQuery): Promise<Connection<PaymentResource>> {
    return this.#service.page(paymentResource, PAYMENTS, { ...query });
  }

  listOwn(query: PageQuery): Promise<Connection<PaymentResource>> {
    return this.#service.page(paymentResource, `${PAYMENTS}/my-payments`, query);
  }

  /** The latest payment of each order. */
  ofOrders(orderIds: readonly string[]): Promise<readonly PaymentResource[]> {
    const query = { orderIds: orderIds.join(',') };
    return this.#service.ask(z.array(paymentResource), { method: 'GET', path: PAYMENTS, query });
  }

  async refunds(id: string): Promise<RefundResource[]> {
    const path = `${resourcePath(PAYMENTS, id)}/refunds`;
    return this.#service.ask(z.array(refundResource), { method: 'GET', path });
  }

  create(body: CreatePaymentInput, idempotencyKey: string | undefined): Promise<PaymentResource> {
    return this.#service.ask(paymentResource, { method: 'POST', path: PAYMENTS, body, idempotencyKey });
  }

  async process(
    id: string,
    body: { token?: string | null; method?: PaymentMethod | null },
    idempotencyKey: string | undefined,
  ): Promise<PaymentResource> {
    const path = `${resourcePath(PAYMENTS, id)}/process`;
    return this.#service.ask(paymentResource, { method: 'POST', path, body, idempotencyKey });
  }

  async refund(
    id: string,
    body: { amount?: number | null; reason?: string | null },
    idempotencyKey: string | undefined,
  ): Promise<PaymentResource> {
    const path = `${resourcePath(PAYMENTS, id)}/refund`;
    return this.#service.ask(paymentResource, { method: 'POST', path, body, idempotencyKey });
  }
}
