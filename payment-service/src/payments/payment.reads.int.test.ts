import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { paymentMethods, paymentStatuses, refundStatuses } from '@shop/common/contracts';
import { createJsonOfRows, stored, type JsonOfRows } from '@shop/testing';
import type { Payment } from './payment.js';
import { detailedPaymentJson, paymentJson } from './payment.reads.js';
import { toPaymentResource, toRefundResource } from './payment.resource.js';
import type { Refund } from './refund.js';

let json: JsonOfRows;
beforeAll(async () => {
  json = await createJsonOfRows(path.join(import.meta.dirname, '../..'));
});
afterAll(() => json.stop());

const { id, text, time, minorUnits, decimals: currencyDecimals } = stored;
const perhaps = fc.option(text);
const payment: fc.Arbitrary<Payment> = fc.record({
  ...{ id, orderId: id, userId: id, amount: minorUnits, refundedAmount: minorUnits, refundReserved: minorUnits },
  ...{ currency: fc.constantFrom('USD', 'JPY'), currencyDecimals, status: fc.constantFrom(...paymentStatuses) },
  ...{
    method: fc.constantFrom(...paymentMethods),
    transactionId: perhaps,
    provider: perhaps,
    providerReference: perhaps,
  },
  ...{ nextActionType: perhaps, nextActionUrl: perhaps, nextActionSecret: perhaps, description: perhaps },
  ...{ failureReason: perhaps, paidAt: fc.option(time), version: fc.nat(), createdAt: time, updatedAt: time },
});
const refund: fc.Arbitrary<Omit<Refund, 'paymentId'>> = fc.record({
  ...{ id, amount: minorUnits, currencyDecimals, status: fc.constantFrom(...refundStatuses), reason: perhaps },
  ...{
    requestedBy: fc.option(id),
    transactionId: perhaps,
    failureReason: perhaps,
    attempts: fc.nat(),
    repeats: fc.nat(),
  },
  ...{ nextAttemptAt: time, createdAt: time, updatedAt: time },
});

it('any payment -> PostgreSQL makes the JSON of it that TypeScript makes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(payment), async (payments) => {
      expect(await json.of(paymentJson.text, { payments })).toEqual(payments.map(toPaymentResource));
    }),
  );
});

it('any payment with refunds -> likewise, the newest refund first', async () => {
  const newestFirst = (a: Refund, b: Refund) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1);
  await fc.assert(
    fc.asyncProperty(payment, fc.uniqueArray(refund, { selector: (one) => one.id }), async (paid, given) => {
      const refunds = given.map((one) => ({ ...one, paymentId: paid.id }));
      expect(await json.of(detailedPaymentJson.text, { payments: [paid], refunds })).toEqual([
        { ...toPaymentResource(paid), refunds: refunds.toSorted(newestFirst).map(toRefundResource) },
      ]);
    }),
  );
});
