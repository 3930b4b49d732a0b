import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import { auditResource, eventSchemas, type AuditResource } from '@shop/common/contracts';
import { addAuditEntry, auditTamperings, createEventSender, eventually } from '@shop/testing';
import { orderBody, placeOrderIn } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService({ trustedProxies: ['127.0.0.1'] });
  admin = test.caller('admin');
});

afterAll(() => test.stop());

async function trailOf(orderId: string): Promise<AuditResource[]> {
  const { body } = await admin.get(`/audit?subjectId=${orderId}`).expect(200);
  return auditResource.array().parse(body.data).reverse();
}

const actionsOf = async (orderId: string) =>
  (await trailOf(orderId)).map(({ action, actorId, details }) => [action, actorId, details]);

describe('a change of an order', () => {
  it('of its status, by its owner or an admin -> who, from, to, address and request are in the trail', async () => {
    const owner = test.caller();
    const id = await placeOrderIn('confirmed', { owner, admin });
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await owner
      .patch(`/${id}/status`, { status: 'cancelled', reason: 'private matters' })
      .set('X-Forwarded-For', '203.0.113.9')
      .set('X-Request-Id', 'request-of-owner')
      .set('traceparent', traceparent)
      .expect(200);

    const [confirmed, cancelled, ...others] = await trailOf(id);
    expect(others).toEqual([]);
    expect(confirmed).toMatchObject({
      action: 'order.status_changed',
      actorId: admin.id,
      actorRole: 'admin',
      subjectKind: 'order',
      subjectId: id,
      details: { from: 'pending', to: 'confirmed' },
      clientAddress: '127.0.0.1',
    });
    expect(cancelled).toMatchObject({
      action: 'order.status_changed',
      actorId: owner.id,
      actorRole: 'user',
      details: { from: 'confirmed', to: 'cancelled' },
      clientAddress: '203.0.113.9',
      requestId: 'request-of-owner',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    });
  });

  it('its deletion -> is in the trail, which outlives the order', async () => {
    const id = await placeOrderIn('cancelled', { owner: test.caller(), admin });
    await admin.delete(`/${id}`).expect(200);
    await admin.get(`/${id}`).expect(404);
    await admin.delete(`/${id}`).expect(404);

    expect(await actionsOf(id)).toEqual([
      ['order.status_changed', admin.id, { from: 'pending', to: 'cancelled' }],
      ['order.deleted', admin.id, {}],
    ]);
  });

  it('that is refused, or changes nothing -> is not in the trail', async () => {
    const [owner, other] = [test.caller(), test.caller()];
    const id = await placeOrderIn('pending', { owner, admin });
    await other.patch(`/${id}/status`, { status: 'cancelled' }).expect(404);
    await owner.patch(`/${id}/status`, { status: 'shipped' }).expect(403);
    await admin.patch(`/${id}/status`, { status: 'shipped' }).expect(409);
    await admin.patch(`/${id}/status`, { status: 'pending' }).expect(200);
    await admin.delete(`/${id}`).expect(409);

    expect(await actionsOf(id)).toEqual([]);
  });

  it('many at once -> those that happened are in the trail, each once', async () => {
    const id = await placeOrderIn('pending', { owner: test.caller(), admin });
    const answers = await Promise.all(
      ['confirmed', 'cancelled', 'confirmed', 'cancelled'].map((status) => admin.patch(`/${id}/status`, { status })),
    );
    expect(answers.map(({ status }) => status)).toContain(200);

    const changes = await test.query('SELECT status FROM order_status_history WHERE order_id = $1 AND version > 1', [
      id,
    ]);
    expect(await trailOf(id)).toHaveLength(changes.length);
  });

  it('by the system -> stands in its history only', async () => {
    const id = await placeOrderIn('pending', { owner: test.caller(), admin });
    const [paymentId, time] = [newId(), new Date().toISOString()];
    const data = {
      ...{ id: paymentId, orderId: id, userId: newId(), amount: 44.98, refundedAmount: 0, currency: 'USD' },
      ...{ status: 'cancelled', method: 'card', transactionId: null, provider: null, description: null },
      ...{ failureReason: null, paidAt: null, createdAt: time, updatedAt: time },
    };
    const envelope = { specversion: '1.0', id: newId(), source: '/payment-service', subject: paymentId, time };
    const sender = createEventSender(test.config.brokerUrl);
    const event = { ...envelope, type: 'payment.expired', sequence: 2, data };
    await sender.publish(eventSchemas['payment.expired'].parse(event));
    await sender.stop();
    await eventually(async () => {
      const { body } = await admin.get(`/${id}`).expect(200);
      expect(body.data.status).toBe('cancelled');
    });

    expect(await actionsOf(id)).toEqual([]);
  });
});

describe('GET /audit', () => {
  it('anybody but an admin -> refused before anything is looked at', async () => {
    await test.caller().get('/audit?limit=0').expect(403);
  });

  it('newest first, in pages whose cursor belongs to their filters', async () => {
    const owner = test.caller();
    const clerk = test.caller('admin');
    for (let count = 0; count < 3; count++) await placeOrderIn('cancelled', { owner, admin: clerk });
    const list = async (query: string) => (await admin.get(`/audit?actorId=${clerk.id}&${query}`).expect(200)).body;

    const first = await list('limit=2');
    expect(first.meta).toMatchObject({ total: 3, limit: 2, offset: 0, hasMore: true });
    const second = await list(`limit=2&cursor=${first.meta.nextCursor}`);
    expect(second.meta).toMatchObject({ total: null, hasMore: false, nextCursor: null });
    const times = [...first.data, ...second.data].map(({ createdAt }: AuditResource) => createdAt);
    expect(times).toHaveLength(3);
    expect(times).toEqual([...times].sort().reverse());
    await admin.get(`/audit?limit=2&cursor=${first.meta.nextCursor}`).expect(400);

    expect((await list(`from=${times[0]}`)).data.map(({ createdAt }: AuditResource) => createdAt)).toContain(times[0]);
    expect((await list(`to=${times[2]}`)).meta.total).toBe(0);
    expect((await list('action=order.deleted')).meta.total).toBe(0);
  });

  it.each([
    'actorId=somebody',
    'subjectId=1',
    'action=user.deleted',
    'from=yesterday',
    'from=0000-12-30T00:00:00Z',
    'from=2026-06-31T00:00:00Z',
    'to=2026-01-01',
    'to=0001-01-01T00:00:00%2B23:59',
    'to=2026-01-01T00:00:00Z&from=2026-01-01T00:00:00.001Z',
    'owner=me',
  ])('%s -> 400', async (query) => {
    const { body } = await admin.get(`/audit?${query}`).expect(400);
    expect(body.error.fields).toEqual([{ field: query.split('=')[0], message: expect.any(String) }]);
  });

  it('the earliest and the latest time there is -> the whole trail', async () => {
    await admin.get('/audit?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59.999Z').expect(200);
  });
});

describe('the trail in the database', () => {
  it.each(auditTamperings)('%s -> refused, and nothing is lost', async (tampering) => {
    const id = await addAuditEntry(test, 'order.deleted', '1 year -1 minute');

    await expect(test.query(tampering)).rejects.toMatchObject({ constraint: 'audit_trail_append_only' });

    expect(await test.query('SELECT actor_id FROM audit_trail WHERE id = $1', [id])).toEqual([{ actor_id: null }]);
  });

  it('what is a year old -> may go, and is purged by the running service', async () => {
    const [first, second] = [
      await addAuditEntry(test, 'order.deleted', '1 year'),
      await addAuditEntry(test, 'order.deleted', '1 year'),
    ];
    await test.query('DELETE FROM audit_trail WHERE id = $1', [first]);
    await test.restart({});

    await eventually(async () => {
      expect(await test.query('SELECT id FROM audit_trail WHERE id = $1', [second])).toEqual([]);
    });
  });

  it('an entry that can not be written -> the change it describes does not happen', async () => {
    const id = await placeOrderIn('pending', { owner: test.caller(), admin });
    const clerk = test.caller('admin');
    await test.query(`ALTER TABLE audit_trail ADD CONSTRAINT refused CHECK (actor_id <> '${clerk.id}')`);
    await clerk.patch(`/${id}/status`, { status: 'confirmed' }).expect(500);

    expect((await admin.get(`/${id}`).expect(200)).body.data.status).toBe('pending');
    await test.query('ALTER TABLE audit_trail DROP CONSTRAINT refused');
    await clerk.patch(`/${id}/status`, { status: 'confirmed' }).expect(200);
  });
});

it('placing an order -> is no entry of the trail: the order itself tells', async () => {
  const owner = test.caller();
  const { body } = await owner.post(orderBody()).expect(201);
  expect(await actionsOf(body.data.id)).toEqual([]);
});
