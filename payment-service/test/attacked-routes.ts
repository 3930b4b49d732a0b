import type { RouteTable } from '@shop/testing';

const ID = '0199a000-0000-7000-8000-000000000000';
const page = { limit: '10', offset: '0', cursor: 'WzE3MDAwMDAwMDAwMDAsIjAxOTlhMDAwIl0', total: 'true' };
const list = { ...page, status: 'pending', userId: ID, refunds: 'true', ids: ID, orderIds: ID };

/** Every route of the service with all that it takes, for attacks with bad input. */
export const attackedTable: RouteTable = {
  'POST /': { body: { orderId: ID, amount: 19.99, currency: 'USD', method: 'card', description: 'A book' } },
  'GET /': { query: list },
  'GET /my-payments': { query: list },
  'GET /audit': {
    query: {
      ...page,
      actorId: ID,
      subjectId: ID,
      action: 'payment.refunded',
      from: '2026-01-01T00:00:00Z',
      to: '2026-02-01T00:00:00Z',
    },
  },
  'GET /discrepancies': { query: { ...page, status: 'open', kind: 'dispute', orderId: ID, paymentId: ID } },
  'POST /discrepancies/:id/close': { body: { note: 'Paid back by hand' } },
  'GET /order/:orderId': {},
  'GET /:id': {},
  'POST /:id/process': { body: { token: 'tok_chargeDeclined', method: 'card' } },
  'POST /:id/refund': { body: { amount: 1.5, reason: 'broken' } },
  'GET /:id/refunds': {},
  'POST /:id/refunds/:refundId/settle': { body: { outcome: 'failed', reason: 'Wrong account' } },
  'POST /webhooks/:provider': { body: { type: 'charge.succeeded', data: { key: ID, amount: 19.99 } } },
};
