import { ok, page, type Input, type Reply } from '@shop/common/http';
import { toPage, toPageRequest } from '@shop/common/paging';
import { toDiscrepancyResource } from './discrepancy.resource.js';
import type { DiscrepancyService } from './discrepancy.service.js';
import type { CloseDiscrepancyBody, DiscrepanciesQuery, DiscrepancyParams } from './discrepancy.validator.js';

/** Between HTTP and the use cases. */
export class DiscrepancyHandler {
  readonly #discrepancies: DiscrepancyService;

  constructor(discrepancies: DiscrepancyService) {
    this.#discrepancies = discrepancies;
  }

  list = async ({ query }: Input<unknown, DiscrepanciesQuery>): Promise<Reply> => {
    const { status, kind, orderId, paymentId, ...asked } = query;
    const filters = { status, kind, orderId, paymentId };
    const request = toPageRequest(asked, filters);
    const { rows, meta } = toPage(await this.#discrepancies.list(filters, request), request, filters);
    return page('Discrepancies retrieved', rows.map(toDiscrepancyResource), meta);
  };

  close = async ({ actor, params, body }: Input<DiscrepancyParams, unknown, CloseDiscrepancyBody>): Promise<Reply> =>
    ok('Discrepancy closed', toDiscrepancyResource(await this.#discrepancies.close(actor, params.id, body.note)));
}
