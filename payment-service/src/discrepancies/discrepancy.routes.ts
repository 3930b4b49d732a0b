import { route, type Route } from '@shop/common/http';
import type { DiscrepancyHandler } from './discrepancy.handler.js';
import { closeDiscrepancyBody, discrepanciesQuery, discrepancyParams } from './discrepancy.validator.js';

/** What admins do about contradictions, below /api/v1/payments. They stand before routes with an id in their place. */
export const discrepancyRoutes = (discrepancies: DiscrepancyHandler): readonly Route[] => [
  route({
    method: 'GET',
    path: '/discrepancies',
    access: 'admin',
    query: discrepanciesQuery,
    handle: discrepancies.list,
  }),
  route({
    method: 'POST',
    path: '/discrepancies/:id/close',
    access: 'admin',
    params: discrepancyParams,
    body: closeDiscrepancyBody,
    handle: discrepancies.close,
  }),
];
