import { orderReader } from '@shop/common/contracts';
import { findAppError, ServiceUnavailable, type ErrorCode } from '@shop/common/errors';
import type { ServiceClient } from '@shop/common/http';
import type { PayableOrder } from './payable-order.js';
import { toPayableOrder } from './payable-order.resource.js';

/** What the caller gets as it is; anything else that order-service answers is its own trouble. */
const passedOn: readonly ErrorCode[] = ['UNAUTHORIZED', 'RATE_LIMITED', 'SERVICE_UNAVAILABLE', 'UPSTREAM_TIMEOUT'];

/** Orders as order-service shows them to a caller. */
export class PayableOrderClient {
  readonly #orderService: ServiceClient;

  constructor(orderService: ServiceClient) {
    this.#orderService = orderService;
  }

  /** undefined where the bearer of the token sees no such order. Throws ServiceUnavailable and UpstreamTimeout. */
  async find(id: string, token: string): Promise<PayableOrder | undefined> {
    try {
      const path = `/api/v1/orders/${encodeURIComponent(id)}`;
      const { data } = await this.#orderService.call(orderReader, { method: 'GET', path, token });
      return toPayableOrder(data);
    } catch (error) {
      const code = findAppError(error)?.code;
      if (code === 'NOT_FOUND') return undefined;
      if (code !== undefined && passedOn.includes(code)) throw error;
      throw new ServiceUnavailable('order-service is unavailable', { cause: error });
    }
  }
}
