import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { auditResource, type AuditResource } from '@shop/common/contracts';
import { addAuditEntry, auditTamperings, eventually } from '@shop/testing';
import { placeOrder, placePaidOrder, statusChangedEvent } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let owner: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService({ trustedProxies: ['127.0.0.1'] });
});
afterAll(() => test.stop());
beforeEach(() => {
  [owner, admin] = [test.caller(), test.caller('admin')];
});

async function trailOf(paymentId: string): Promise<AuditResource[]> {
  const { body } = await admin.get(`/audit?subjectId=${paymentId}`).expect(200);
  return auditResource.array().parse(body.data).reverse();
}

const scenarioOf = async (paymentId: string) =>
  (await trailOf(paymentId)).map(({ action, actorId, actorRole }) => [action, actorId, actorRole]);

describe('paying', () => {
  it('a charge -> who asked for it, how and how much, from which address and request; no token', async () => {
    const { payment } = await placeOrder(test, owner);
    await owner
      .post(`/${payment.id}/process`, { token: 'tok_visa' })
      .set('X-Forwarded-For', '203.0.113.9')
      .set('X-Request-Id', 'request-of-owner')
      .expect(200);

    expect(await trailOf(payment.id)).toMatchObject([
      {
        action: 'charge.requested',
        actorId: owner.id,
        actorRole: 'user',
        subjectKind: 'payment',
        subjectId: payment.id,
        details: { method: 'card', amount: 44.98, currency: 'USD' },
        clientAddress: '203.0.113.9',
        requestId: 'request-of-owner',
      },
    ]);
    expect(JSON.stringify(await trailOf(payment.id))).not.toContain('tok_visa');
  });

  it('declined -> that it was asked for stays in the trail', async () => {
    const { payment } = await placeOrder(test, owner);
    await owner.post(`/${payment.id}/process`, { token: 'tok_chargeDeclined' }).expect(402);

    expect(await scenarioOf(payment.id)).toEqual([['charge.requested', owner.id, 'user']]);
  });

  it('money received by hand -> the admin who said so', async () => {
    const { payment } = await placeOrder(test, owner);
    await owner.post(`/${payment.id}/process`, { method: 'cash' }).expect(403);
    await admin.post(`/${payment.id}/process`, { method: 'cash' }).expect(200);

    expect(await trailOf(payment.id)).toMatchObject([
      { action: 'payment.received', actorId: admin.id, details: { method: 'cash', amount: 44.98, currency: 'USD' } },
    ]);
  });

  it('many attempts at once, and more under one key -> the one that was begun is in the trail, once', async () => {
    const { payment } = await placeOrder(test, owner);
    const pay = () => owner.post(`/${payment.id}/process`, {}).set('Idempotency-Key', payment.id);
    await Promise.all([
      pay(),
      pay(),
      owner.post(`/${payment.id}/process`, {}),
      owner.post(`/${payment.id}/process`, {}),
    ]);
    await pay();

    expect(await scenarioOf(payment.id)).toEqual([['charge.requested', owner.id, 'user']]);
  });
});

describe('refunding', () => {
  it('by an admin -> who asked, how much, and that it succeeded', async () => {
    const { payment } = await placePaidOrder(test, owner);
    await admin.post(`/${payment.id}/refund`, { amount: 10.5, reason: 'a private matter' }).expect(200);
    await owner.post(`/${payment.id}/refund`, {}).expect(403);

    const [refund] = (await owner.get(`/${payment.id}/refunds`).expect(200)).body.data;
    const details = { refundId: refund.id, amount: 10.5, currency: 'USD' };
    expect(await trailOf(payment.id)).toMatchObject([
      { action: 'charge.requested' },
      { action: 'refund.requested', actorId: admin.id, actorRole: 'admin', details },
      { action: 'refund.succeeded', actorId: null, actorRole: null, details },
    ]);
    expect(JSON.stringify(await trailOf(payment.id))).not.toContain('private');
  });

  it('declined by the provider -> who asked, and that it failed; refused by a rule -> nothing', async () => {
    const { payment } = await placePaidOrder(test, owner);
    await admin.post(`/${payment.id}/refund`, { amount: 45 }).expect(409);
    // The provider does not know the charge any more.
    await test.query('UPDATE simulated_provider.charges SET transaction_id = $2 WHERE key = $1', [payment.id, newId()]);
    await admin.post(`/${payment.id}/refund`, {}).expect(402);

    expect(await scenarioOf(payment.id)).toEqual([
      ['charge.requested', owner.id, 'user'],
      ['refund.requested', admin.id, 'admin'],
      ['refund.failed', null, null],
    ]);
  });

  it('by the system, since the order was cancelled -> nobody asked; tried again -> one refund in the trail', async () => {
    const { order, payment } = await placePaidOrder(test, owner);
    const charge = [payment.id, newId()];
    await test.query('UPDATE simulated_provider.charges SET transaction_id = $2 WHERE key = $1', charge);
    await test.publish(statusChangedEvent(order, 'cancelled'));
    await eventually(async () => {
      const failed = await test.query(`SELECT FROM refunds WHERE payment_id = $1 AND status = 'failed'`, [payment.id]);
      expect(failed.length).toBeGreaterThanOrEqual(2);
    });
    await test.query('UPDATE simulated_provider.charges SET transaction_id = $2 WHERE key = $1', [
      payment.id,
      payment.transactionId,
    ]);
    await eventually(async () => {
      expect((await scenarioOf(payment.id)).at(-1)).toEqual(['refund.succeeded', null, null]);
    });

    expect(await scenarioOf(payment.id)).toEqual([
      ['charge.requested', owner.id, 'user'],
      ['refund.requested', null, null],
      ['refund.succeeded', null, null],
    ]);
  });
});

describe('GET /audit', () => {
  it('anybody but an admin -> refused before anything is looked at', async () => {
    await owner.get('/audit?limit=0').expect(403);
  });

  it('filtered by who did what -> the newest first', async () => {
    const { payment } = await placePaidOrder(test, owner);
    for (const amount of [1, 2, 3]) await admin.post(`/${payment.id}/refund`, { amount }).expect(200);
    const { body } = await admin.get(`/audit?actorId=${admin.id}&action=refund.requested&limit=2`).expect(200);

    expect(body.meta).toMatchObject({ total: 3, limit: 2, hasMore: true });
    expect(body.data.map(({ details }: AuditResource) => details.amount)).toEqual([3, 2]);
    await admin.get('/audit?action=order.deleted').expect(400);
  });
});

describe('the trail in the database', () => {
  it.each(auditTamperings)('%s -> refused, and nothing is lost', async (tampering) => {
    const id = await addAuditEntry(test, 'refund.failed', '1 year -1 minute');

    await expect(test.query(tampering)).rejects.toMatchObject({ constraint: 'audit_trail_append_only' });

    expect(await test.query('SELECT actor_id FROM audit_trail WHERE id = $1', [id])).toEqual([{ actor_id: null }]);
  });

  it('what is a year old -> may go, and is purged by a running service', async () => {
    const [first, second] = [
      await addAuditEntry(test, 'refund.failed', '1 year'),
      await addAuditEntry(test, 'refund.failed', '1 year'),
    ];
    await test.query('DELETE FROM audit_trail WHERE id = $1', [first]);
    const another = await test.startAnother();
    try {
      await eventually(async () => {
        expect(await test.query('SELECT id FROM audit_trail WHERE id = $1', [second])).toEqual([]);
      });
    } finally {
      await another.stop();
    }
  });

  it('an entry that can not be written -> the refund it describes is not made', async () => {
    const { payment } = await placePaidOrder(test, owner);
    await test.query(`ALTER TABLE audit_trail ADD CONSTRAINT refused CHECK (actor_id <> '${admin.id}')`);
    await admin.post(`/${payment.id}/refund`, {}).expect(500);

    expect(await test.query('SELECT id FROM refunds WHERE payment_id = $1', [payment.id])).toEqual([]);
    await test.query('ALTER TABLE audit_trail DROP CONSTRAINT refused');
    await admin.post(`/${payment.id}/refund`, {}).expect(200);
  });
});
