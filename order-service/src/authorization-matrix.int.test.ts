import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ask,
  bodyRowsOf,
  cellsOf,
  createMatrixPeople,
  effectsOf,
  eventually,
  guarded,
  inWords,
  observe,
  open,
  openOperations,
  operationsOf,
  revokeAccess,
  takesBody,
  type MatrixCaller,
  type MatrixPeople,
  type MatrixRow,
  type MatrixTarget,
  type Scene,
} from '@shop/testing';
import { orderBody } from '../test/order-builder.js';
import { startTestService, type TestService } from '../test/test-service.js';

const base = '/api/v1/orders';

let test: TestService;
let target: MatrixTarget;
let people: MatrixPeople;

beforeAll(async () => {
  test = await startTestService();
  const { url } = test;
  const query: MatrixTarget['query'] = (text, values) => test.query(text, values);
  const tables = ['orders', 'order_items', 'order_status_history'];
  target = { url, base, query, tables, journals: ['outbox', 'audit_trail'] };
  const created = createMatrixPeople(test.tokens);
  people = created.people;
  await revokeAccess(test.config.brokerUrl, created.revocations);
  await eventually(async () => {
    for (const { authorization } of [people.revoked, people.demoted]) {
      expect((await ask(url + base, { authorization })).status).toBe(401);
    }
  });
});
afterAll(() => test.stop());

/** An order of the owner's, brought into a status by these steps. */
async function placeOrder(...statuses: readonly string[]): Promise<string> {
  const { body } = await ask(target.url + base, { method: 'POST', ...people.owner, body: orderBody() });
  const id: string = body.data.id;
  for (const status of statuses) {
    const changed = await ask(`${target.url}${base}/${id}/status`, {
      method: 'PATCH',
      ...people.admin,
      body: { status },
    });
    expect(changed.status).toBe(200);
  }
  return id;
}

const by = (caller: MatrixCaller) => ({ authorization: people[caller].authorization, callerId: people[caller].id });

const nothing = (caller: MatrixCaller): Promise<Scene> => Promise.resolve(by(caller));

const anOrder =
  (body?: object, ...statuses: readonly string[]) =>
  async (caller: MatrixCaller): Promise<Scene> => {
    const id = await placeOrder(...statuses);
    return { ...by(caller), subject: id, params: { id }, ...(body && { body }) };
  };

const rows: readonly MatrixRow[] = [
  {
    operation: 'POST /',
    outcomes: guarded({ other: 201, owner: 201, admin: 201 }),
    scene: async (caller) => ({
      ...(await nothing(caller)),
      body: orderBody({ currency: 'USD', notes: 'Ring twice' }),
    }),
  },
  {
    operation: 'GET /',
    outcomes: guarded({ other: 'unlisted', owner: 'listed', admin: 'listed' }),
    scene: anOrder(),
  },
  {
    operation: 'GET /my-orders',
    outcomes: guarded({ other: 'unlisted', owner: 'listed', admin: 'unlisted' }),
    scene: anOrder(),
  },
  { operation: 'GET /audit', outcomes: guarded({ other: 403, owner: 403, admin: 200 }), scene: nothing },
  { operation: 'GET /:id', outcomes: guarded({ other: 404, owner: 200, admin: 200 }), scene: anOrder() },
  {
    operation: 'PATCH /:id/status',
    when: 'to cancelled',
    outcomes: guarded({ other: 404, owner: 200, admin: 200 }),
    scene: anOrder({ status: 'cancelled', reason: 'changed my mind' }),
  },
  {
    operation: 'PATCH /:id/status',
    when: 'to anything else',
    outcomes: guarded({ other: 404, owner: 403, admin: 200 }),
    scene: anOrder({ status: 'confirmed', reason: 'paid in cash' }),
  },
  {
    operation: 'PATCH /:id/status',
    when: 'to cancelled once it is being processed',
    outcomes: guarded({ other: 404, owner: 409, admin: 200 }),
    scene: anOrder({ status: 'cancelled' }, 'confirmed', 'processing'),
  },
  {
    operation: 'DELETE /:id',
    outcomes: guarded({ other: 403, owner: 403, admin: 200 }),
    scene: anOrder(undefined, 'cancelled'),
  },
];

describe('who may do what', () => {
  it('each operation of the service -> has its row', () => {
    const listed = new Set([...rows.map(({ operation }) => operation), ...openOperations]);
    expect([...listed].toSorted()).toEqual(operationsOf(test.app));
  });

  it.each(cellsOf(rows))('%s', async (_title, row, caller) => {
    expect(await observe(target, row, caller)).toBe(inWords(row.outcomes[caller]));
  });

  it.each(openOperations)('%s -> for everybody', async (operation) => {
    const row = { operation, outcomes: open(200), scene: nothing };
    for (const [, , caller] of cellsOf([row])) expect(await observe({ ...target, base: '' }, row, caller)).toBe('200');
  });
});

describe('fields that a body has no business to set', () => {
  it('each operation that takes a body -> has an example that is carried out', () => {
    const tried = new Set(bodyRowsOf(rows).map(([operation]) => operation));
    expect([...tried].toSorted()).toEqual(operationsOf(test.app).filter(takesBody));
  });

  it.each(bodyRowsOf(rows))('%s -> the same as without them', async (_operation, row, caller) => {
    const { plain, hostile } = await effectsOf(target, row, caller);
    expect(plain.rows).not.toEqual([]);
    expect(hostile).toEqual(plain);
    expect({}).not.toHaveProperty('isAdmin');
  });
});
