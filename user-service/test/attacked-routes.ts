import type { RouteTable } from '@shop/testing';

const ID = '0199a000-0000-7000-8000-000000000000';
const page = { limit: '10', offset: '0', cursor: 'WzE3MDAwMDAwMDAwMDAsIjAxOTlhMDAwIl0', total: 'true' };

/** Every route of the service with all that it takes, for attacks with bad input. */
export const attackedTable: RouteTable = {
  'POST /register': {
    body: { email: 'attacked@example.com', password: 'correct horse', firstName: 'Ada', lastName: 'Lovelace' },
  },
  'POST /login': { body: { email: 'attacked@example.com', password: 'correct horse' } },
  'POST /refresh': { body: { refreshToken: 'x'.repeat(43) } },
  'POST /logout': { body: {} },
  'PUT /me/password': { body: { current: 'correct horse', new: 'battery staple' } },
  'GET /': { query: { ...page, ids: ID, role: 'user', isActive: 'true', email: 'ada' } },
  'GET /me': {},
  'GET /audit': {
    query: {
      ...page,
      actorId: ID,
      subjectId: ID,
      action: 'user.updated',
      from: '2026-01-01T00:00:00Z',
      to: '2026-02-01T00:00:00Z',
    },
  },
  'GET /:id': {},
  'GET /:id/personal-data': {},
  'GET /:id/audit': { query: page },
  'PUT /:id': { body: { firstName: 'Ada', lastName: 'Byron', isActive: true, role: 'user' } },
  'DELETE /:id': {},
};
