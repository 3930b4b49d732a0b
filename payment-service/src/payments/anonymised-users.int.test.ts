import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { PaymentResource } from '@shop/common/contracts';
import { eventually, userAnonymisedEvent } from '@shop/testing';
import { expectLedgerToBalance } from '../../test/ledger.js';
import { placeOrder, placePaidOrder } from '../../test/order-builder.js';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';

let test: TestService;
let owner: TestCaller;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(async () => {
  try {
    await expectLedgerToBalance(test);
  } finally {
    await test.stop();
  }
});
beforeEach(() => {
  [owner, admin] = [test.caller(), test.caller('admin')];
});

const get = async (id: string): Promise<PaymentResource> => (await admin.get(`/${id}`).expect(200)).body.data;
const refundsOf = async (id: string) => (await admin.get(`/${id}/refunds`).expect(200)).body.data;

const describePayment = (id: string) =>
  test.query("UPDATE payments SET description = 'For Ada, with love' WHERE id = $1", [id]);

/** Until nothing of the user's is due. */
async function anonymise({ id }: TestCaller): Promise<void> {
  await test.publish(userAnonymisedEvent(id));
  await eventually(async () => {
    const rows = await test.query('SELECT FROM anonymised_users WHERE user_id = $1 AND sweep_at > now()', [id]);
    expect(rows).toHaveLength(1);
  });
}

describe('when a user has become anonymous', () => {
  it('what people wrote on its payments and refunds is cleared; the money is as it was', async () => {
    const { payment } = await placePaidOrder(test, owner);
    await describePayment(payment.id);
    await admin.post(`/${payment.id}/refund`, { amount: 10.5, reason: 'Her dog ate it' }).expect(200);
    const [before, refunds] = [await get(payment.id), await refundsOf(payment.id)];
    expect([before.description, refunds[0].reason]).toEqual(['For Ada, with love', 'Her dog ate it']);

    await anonymise(owner);

    expect(await get(payment.id)).toEqual({ ...before, description: null });
    expect(await refundsOf(payment.id)).toEqual([{ ...refunds[0], reason: null }]);
  });

  it('payments of others are as they were', async () => {
    const { payment } = await placePaidOrder(test, test.caller());
    await describePayment(payment.id);
    await anonymise(owner);

    expect((await get(payment.id)).description).toBe('For Ada, with love');
  });

  it('a refund that is under way keeps its reason, since the provider may be asked again, until it is over', async () => {
    const { payment } = await placePaidOrder(test, owner);
    await admin.post(`/${payment.id}/refund`, { reason: 'Her dog ate it' }).expect(200);
    const of = 'WHERE payment_id = $1';
    const [refund] = await test.query<{ tx: string }>(`SELECT transaction_id AS tx FROM refunds ${of}`, [payment.id]);
    await test.query(`UPDATE refunds SET next_attempt_at = now() + interval '1 hour' ${of}`, [payment.id]);
    await test.query('ALTER TABLE refunds DISABLE TRIGGER USER');
    await test.query(`UPDATE refunds SET status = 'pending', transaction_id = NULL ${of}`, [payment.id]);

    await anonymise(owner);
    expect((await refundsOf(payment.id))[0].reason).toBe('Her dog ate it');

    await test.query(`UPDATE refunds SET status = 'succeeded', transaction_id = $2 ${of}`, [payment.id, refund!.tx]);
    await test.query('ALTER TABLE refunds ENABLE TRIGGER USER');
    await test.query('UPDATE anonymised_users SET sweep_at = now() WHERE user_id = $1', [owner.id]);
    await test.publish(userAnonymisedEvent(test.caller().id)); // wakes it
    await eventually(async () => expect((await refundsOf(payment.id))[0].reason).toBeNull());
  });

  it('a payment that waits is left alone, and goes on; another change comes after it', async () => {
    const { payment } = await placeOrder(test, owner);
    await describePayment(payment.id);
    await anonymise(owner);
    expect((await get(payment.id)).description).toBe('For Ada, with love');

    await owner.post(`/${payment.id}/process`, {}).expect(200);
    await test.query('UPDATE anonymised_users SET sweep_at = now() WHERE user_id = $1', [owner.id]);
    await test.publish(userAnonymisedEvent(test.caller().id)); // wakes it
    await eventually(async () => expect((await get(payment.id)).description).toBeNull());
    await admin.post(`/${payment.id}/refund`, {}).expect(200);
    expect((await get(payment.id)).status).toBe('refunded');
  });
});
