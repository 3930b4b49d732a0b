import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuditResource, OrderResource } from '@shop/common/contracts';
import { createEventSender, eventually, userAnonymisedEvent, type EventSender } from '@shop/testing';
import { orderBody, placeOrderIn } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let events: EventSender;
let owner: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  events = createEventSender(test.config.brokerUrl);
});
afterAll(async () => {
  await events.stop();
  await test.stop();
});
beforeEach(() => {
  [owner, admin] = [test.caller(), test.caller('admin')];
});

type DetailedOrder = OrderResource & { statusHistory: { status: string; reason: string | null }[] };
const get = async (id: string): Promise<DetailedOrder> => (await admin.get(`/${id}`).expect(200)).body.data;

async function place(caller: TestCaller): Promise<string> {
  const { body } = await caller.post(orderBody({ notes: 'Ring twice' })).expect(201);
  return (body as { data: OrderResource }).data.id;
}

/** Until nothing of the user's is due. */
async function anonymise({ id }: TestCaller): Promise<void> {
  await events.publish(userAnonymisedEvent(id));
  await eventually(async () => {
    const rows = await test.query('SELECT FROM anonymised_users WHERE user_id = $1 AND sweep_at > now()', [id]);
    expect(rows).toHaveLength(1);
  });
}

describe('when a user has become anonymous', () => {
  it('what people wrote on its orders is cleared; what was sold, for how much and when stays', async () => {
    const id = await place(owner);
    await owner.patch(`/${id}/status`, { status: 'cancelled', reason: 'My wife said no' }).expect(200);
    const before = await get(id);
    const etag = (await admin.get(`/${id}`)).headers.etag!;

    await anonymise(owner);

    const after = await get(id);
    expect(after).toEqual({
      ...before,
      shippingAddress: 'anonymised',
      notes: null,
      statusReason: null,
      statusHistory: before.statusHistory.map((change) => ({ ...change, reason: null })),
    });
    // Who asks with the version from before is answered what is there now.
    await admin.get(`/${id}`).set('If-None-Match', etag).expect(200);
  });

  it('the reasons that the system gave stay', async () => {
    const id = await place(owner);
    await test.query(
      `WITH expired AS (
         UPDATE orders SET status = 'cancelled', status_reason = 'expired', version = 2 WHERE id = $1 RETURNING id
       )
       INSERT INTO order_status_history (order_id, version, status, at, reason)
       SELECT id, 2, 'cancelled', now(), 'expired' FROM expired`,
      [id],
    );

    await anonymise(owner);

    expect((await get(id)).statusReason).toBe('expired');
    expect((await get(id)).statusHistory.at(-1)!.reason).toBe('expired');
  });

  it('its deleted orders are cleared, too, and those of others are as they were', async () => {
    const [deleted, others] = [await placeOrderIn('cancelled', { owner, admin }), await place(test.caller())];
    await admin.delete(`/${deleted}`).expect(200);
    const before = await get(others);

    await anonymise(owner);

    expect(await test.query('SELECT shipping_address FROM orders WHERE id = $1', [deleted])).toEqual([
      { shipping_address: 'anonymised' },
    ]);
    expect(await get(others)).toEqual(before);
  });

  it('more orders than are cleared at a time -> all are', async () => {
    await place(owner);
    await test.query(
      `WITH copies AS (
         INSERT INTO orders (id, user_id, status, total_amount, currency, currency_decimals, shipping_address, payable_until,
                             created_at, updated_at)
         SELECT gen_random_uuid(), $1, 'pending', 100, 'USD', 2, 'Street ' || n, now() + interval '1 hour', now(), now()
         FROM generate_series(1, 250) AS n RETURNING id
       ), items AS (
         INSERT INTO order_items (id, order_id, position, product_id, product_name, quantity, unit_price)
         SELECT gen_random_uuid(), id, 0, 'p', 'P', 1, 100 FROM copies
       )
       INSERT INTO order_status_history (order_id, version, status, at) SELECT id, 1, 'pending', now() FROM copies`,
      [owner.id],
    );

    await anonymise(owner);

    const left = await test.query("SELECT FROM orders WHERE user_id = $1 AND shipping_address <> 'anonymised'", [
      owner.id,
    ]);
    expect(left).toEqual([]);
  });

  it('its events once more -> change nothing; text that came later is cleared a day after', async () => {
    const id = await place(owner);
    await anonymise(owner);
    await anonymise(owner);
    await admin.patch(`/${id}/status`, { status: 'cancelled', reason: 'Mrs Lovelace called' }).expect(200);

    await test.query('UPDATE anonymised_users SET sweep_at = now() WHERE user_id = $1', [owner.id]);
    await events.publish(userAnonymisedEvent(test.caller().id)); // wakes it

    await eventually(async () => expect((await get(id)).statusReason).toBeNull());
    expect((await get(id)).status).toBe('cancelled');
  });

  it('a year later -> it is not looked for any more', async () => {
    await anonymise(owner);
    await test.query(
      "UPDATE anonymised_users SET sweep_at = now(), anonymised_at = now() - interval '1 year' WHERE user_id = $1",
      [owner.id],
    );
    await events.publish(userAnonymisedEvent(test.caller().id)); // wakes it
    await eventually(async () => {
      expect(await test.query('SELECT sweep_at FROM anonymised_users WHERE user_id = $1', [owner.id])).toEqual([
        { sweep_at: null },
      ]);
    });
  });

  it('the audit trail keeps what it did, and forgets from where', async () => {
    const id = await place(owner);
    await owner.patch(`/${id}/status`, { status: 'cancelled' }).expect(200);
    await admin.delete(`/${id}`).expect(200);

    await anonymise(owner);

    const { body } = await admin.get(`/audit?subjectId=${id}`).expect(200);
    const [removal, cancellation] = (body as { data: AuditResource[] }).data;
    expect(removal).toMatchObject({ actorId: admin.id, clientAddress: '127.0.0.1', requestId: expect.any(String) });
    expect(cancellation).toMatchObject({ actorId: owner.id, clientAddress: null, requestId: null });
    const tampering = 'UPDATE audit_trail SET client_address = NULL, request_id = NULL WHERE actor_id = $1';
    await expect(test.query(tampering, [admin.id])).rejects.toThrow('the audit trail refuses UPDATE');
  });
});
