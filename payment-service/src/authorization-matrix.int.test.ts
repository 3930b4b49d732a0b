import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { v7 as newId } from 'uuid';
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
import { placeOrder, placePaidOrder } from '../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../test/test-service.js';

const base = '/api/v1/payments';

let test: TestService;
let target: MatrixTarget;
let people: MatrixPeople;
let owner: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  const { url } = test;
  const query: MatrixTarget['query'] = (text, values) => test.query(text, values);
  target = {
    url,
    base,
    query,
    tables: ['payable_orders', 'payments', 'refunds', 'discrepancies'],
    journals: ['outbox', 'audit_trail', 'simulated_provider.charges', 'simulated_provider.refunds'],
  };
  const created = createMatrixPeople(test.tokens);
  people = created.people;
  owner = test.caller('user', { id: people.owner.id, tokenVersion: 2 });
  await revokeAccess(test.config.brokerUrl, created.revocations);
  await eventually(async () => {
    for (const { authorization } of [people.revoked, people.demoted]) {
      expect((await ask(url + base, { authorization })).status).toBe(401);
    }
  });
});
afterAll(() => test.stop());

const by = (caller: MatrixCaller) => ({ authorization: people[caller].authorization, callerId: people[caller].id });

const nothing = (caller: MatrixCaller): Promise<Scene> => Promise.resolve(by(caller));

/** A payment of the owner's that waits. */
const aPendingPayment =
  (body?: object) =>
  async (caller: MatrixCaller): Promise<Scene> => {
    const { order, payment } = await placeOrder(test, owner);
    return { ...by(caller), subject: payment.id, params: { id: payment.id, orderId: order.id }, ...(body && { body }) };
  };

const aPaidPayment =
  (body?: object) =>
  async (caller: MatrixCaller): Promise<Scene> => {
    const { payment } = await placePaidOrder(test, owner);
    return { ...by(caller), subject: payment.id, params: { id: payment.id }, ...(body && { body }) };
  };

/** An order of the owner's whose payment was declined, and what asks for another. */
async function aFurtherPayment(caller: MatrixCaller): Promise<Scene> {
  const { order, payment } = await placeOrder(test, owner);
  await owner.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);
  const { id: orderId, totalAmount: amount, currency } = order;
  return { ...by(caller), body: { orderId, amount, currency, method: 'card', description: 'Second try' } };
}

const aWebhook =
  (isSigned: boolean) =>
  async (caller: MatrixCaller): Promise<Scene> => {
    const [secret] = test.config.simulated.webhookSecrets;
    const data = { key: newId(), transactionId: `ch_${newId()}`, amount: 4_498, currency: 'USD' };
    const body = { type: 'charge.succeeded', timestamp: new Date().toISOString(), data };
    const [id, at] = [newId(), new Date()];
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret.toString('base64')).sign(id, at, JSON.stringify(body)),
    };
    return { ...(await nothing(caller)), params: { provider: 'simulated' }, body, ...(isSigned && { headers }) };
  };

async function aRefundByHand(caller: MatrixCaller): Promise<Scene> {
  const { payment } = await placeOrder(test, owner);
  const admin = test.caller('admin');
  await admin.post(`/${payment.id}/process`, { method: 'cash' }).expect(200);
  await admin.post(`/${payment.id}/refund`, {}).expect(202);
  const [refund] = await test.query<{ id: string }>('SELECT id FROM refunds WHERE payment_id = $1', [payment.id]);
  const params = { id: payment.id, refundId: refund!.id };
  return { ...by(caller), subject: refund!.id, params, body: { outcome: 'succeeded', reason: 'Handed over' } };
}

async function aDiscrepancy(caller: MatrixCaller): Promise<Scene> {
  const id = newId();
  await test.query(
    `INSERT INTO discrepancies (id, kind, key, reference, details) VALUES ($1, 'dispute', $2, 'dp_1', '{}')`,
    [id, id],
  );
  return { ...by(caller), subject: id, params: { id }, body: { note: 'Talked to the customer' } };
}

const rows: readonly MatrixRow[] = [
  { operation: 'POST /', outcomes: guarded({ other: 404, owner: 201, admin: 201 }), scene: aFurtherPayment },
  {
    operation: 'GET /',
    outcomes: guarded({ other: 'unlisted', owner: 'listed', admin: 'listed' }),
    scene: aPendingPayment(),
  },
  {
    operation: 'GET /my-payments',
    outcomes: guarded({ other: 'unlisted', owner: 'listed', admin: 'unlisted' }),
    scene: aPendingPayment(),
  },
  { operation: 'GET /audit', outcomes: guarded({ other: 403, owner: 403, admin: 200 }), scene: nothing },
  { operation: 'GET /discrepancies', outcomes: guarded({ other: 403, owner: 403, admin: 200 }), scene: nothing },
  {
    operation: 'POST /discrepancies/:id/close',
    outcomes: guarded({ other: 403, owner: 403, admin: 200 }),
    scene: aDiscrepancy,
  },
  {
    operation: 'GET /order/:orderId',
    outcomes: guarded({ other: 404, owner: 200, admin: 200 }),
    scene: aPendingPayment(),
  },
  { operation: 'GET /:id', outcomes: guarded({ other: 404, owner: 200, admin: 200 }), scene: aPendingPayment() },
  {
    operation: 'POST /:id/process',
    when: 'by card',
    outcomes: guarded({ other: 404, owner: 200, admin: 200 }),
    scene: aPendingPayment({ token: 'tok_visa', method: 'card' }),
  },
  {
    operation: 'POST /:id/process',
    when: 'in cash',
    outcomes: guarded({ other: 404, owner: 403, admin: 200 }),
    scene: aPendingPayment({ method: 'cash' }),
  },
  {
    operation: 'POST /:id/refund',
    outcomes: guarded({ other: 403, owner: 403, admin: 200 }),
    scene: aPaidPayment({ amount: 1.5, reason: 'damaged' }),
  },
  {
    operation: 'GET /:id/refunds',
    outcomes: guarded({ other: 404, owner: 200, admin: 200 }),
    scene: aPaidPayment(),
  },
  {
    operation: 'POST /:id/refunds/:refundId/settle',
    outcomes: guarded({ other: 403, owner: 403, admin: 200 }),
    scene: aRefundByHand,
  },
  { operation: 'POST /webhooks/:provider', when: 'signed', outcomes: open(200), scene: aWebhook(true) },
  { operation: 'POST /webhooks/:provider', when: 'not signed', outcomes: open(401), scene: aWebhook(false) },
];

/** Rows whose body is the caller's own word: that of a webhook is signed by the provider. */
const callersRows = rows.filter(({ operation }) => !operation.includes('/webhooks/'));

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
    const tried = new Set(bodyRowsOf(callersRows).map(([operation]) => operation));
    expect([...tried].toSorted()).toEqual(
      operationsOf(test.app).filter((operation) => takesBody(operation) && !operation.includes('/webhooks/')),
    );
  });

  it.each(bodyRowsOf(callersRows))('%s -> the same as without them', async (_operation, row, caller) => {
    const { plain, hostile } = await effectsOf(target, row, caller);
    expect(plain.rows).not.toEqual([]);
    expect(hostile).toEqual(plain);
    expect({}).not.toHaveProperty('isAdmin');
  });
});
