import type { RouteTable } from '@shop/testing';

const ID = '0199a000-0000-7000-8000-000000000000';
const page = { limit: '10', offset: '0', cursor: 'WzE3MDAwMDAwMDAwMDAsIjAxOTlhMDAwIl0', total: 'true' };
const filters = { status: 'pending', createdFrom: '2026-01-01T00:00:00Z', createdTo: '2026-02-01T00:00:00Z' };

/** Every route of the service with all that it takes, for attacks with bad input. */
export const attackedTable: RouteTable = {
  'POST /': {
    body: {
      currency: 'USD',
      shippingAddress: '1 Main Street',
      notes: 'Ring twice',
      items: [{ productId: 'book', productName: 'A book', quantity: 2, unitPrice: 19.99 }],
    },
  },
  'GET /': {
    query: { ...page, ...filters, userId: ID, statusHistory: 'true', ids: ID, userIds: ID, perUser: '3' },
  },
  'GET /my-orders': { query: { ...page, ...filters, statusHistory: 'true' } },
  'GET /audit': {
    query: {
      ...page,
      actorId: ID,
      subjectId: ID,
      action: 'order.created',
      from: filters.createdFrom,
      to: filters.createdTo,
    },
  },
  'GET /:id': {},
  'DELETE /:id': {},
  'PATCH /:id/status': { body: { status: 'confirmed', reason: 'because' } },
};
