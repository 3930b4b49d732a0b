import { discrepancyResource } from '@shop/common/contracts';
import { route, type Route } from '@shop/common/http';
import type { DiscrepancyHandler } from './discrepancy.handler.js';
import { closeDiscrepancyBody, discrepanciesQuery, discrepancyParams } from './discrepancy.validator.js';

/** What admins do about contradictions, below /api/v1/payments. They stand before routes with an id in their place. */
export const discrepancyRoutes = (discrepancies: DiscrepancyHandler): readonly Route[] => [
  route({
    method: 'GET',
    path: '/discrepancies',
    access: 'admin',
    operation: {
      id: 'listDiscrepancies',
      summary: 'List what contradicts our ledger',
      replies: { 200: { message: 'Discrepancies retrieved', list: discrepancyResource } },
      errors: [],
    },
    query: discrepanciesQuery,
    handle: discrepancies.list,
  }),
  route({
    method: 'POST',
    path: '/discrepancies/:id/close',
    access: 'admin',
    operation: {
      id: 'closeDiscrepancy',
      summary: 'Close a discrepancy',
      replies: { 200: { message: 'Discrepancy closed', data: discrepancyResource } },
      errors: ['CONFLICT'],
    },
    params: discrepancyParams,
    body: closeDiscrepancyBody,
    handle: discrepancies.close,
  }),
];
