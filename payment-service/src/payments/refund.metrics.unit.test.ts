import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '@shop/common/metrics';
import { createRefundMetrics } from './refund.metrics.js';
import { openRefund, refundFailed, refundSucceeded } from './refund.js';

const now = new Date();
const aRefund = (currencyDecimals = 2) =>
  openRefund(
    {
      id: 'r',
      paymentId: 'p',
      amount: 1_250n,
      currencyDecimals,
      reason: null,
      requestedBy: null,
      repeats: 0,
      nextAttemptAt: now,
    },
    now,
  );

function setUp() {
  const metrics = createMetrics({ service: 'test' });
  const refundMetrics = createRefundMetrics(metrics);
  const valuesOf = async (name: string, label: string) =>
    Object.fromEntries(
      ((await metrics.registry.getSingleMetric(name)?.get())?.values ?? []).map(({ labels, value }) => [
        labels[label],
        value,
      ]),
    );
  return { refundMetrics, valuesOf };
}

describe('metrics of refunds', () => {
  it('none yet -> every outcome is there with nothing: an increase shows from the first one on', async () => {
    const { valuesOf } = setUp();
    expect(await valuesOf('refunds_settled_total', 'outcome')).toEqual({ succeeded: 0, failed: 0 });
  });

  it('succeeded, in currencies with and without decimals -> counted, and added up in major units', async () => {
    const { refundMetrics, valuesOf } = setUp();
    refundMetrics.settled(refundSucceeded(aRefund(), 'tr', now), { currency: 'USD' });
    refundMetrics.settled(refundSucceeded(aRefund(0), 'tr', now), { currency: 'JPY' });
    expect(await valuesOf('refunds_paid_amount_total', 'currency')).toEqual({ USD: 12.5, JPY: 1_250 });
    expect(await valuesOf('refunds_settled_total', 'outcome')).toMatchObject({ succeeded: 2, failed: 0 });
  });

  it('failed -> counted, and no money', async () => {
    const { refundMetrics, valuesOf } = setUp();
    refundMetrics.settled(refundFailed(aRefund(), 'declined', now), { currency: 'USD' });
    expect(await valuesOf('refunds_settled_total', 'outcome')).toEqual({ succeeded: 0, failed: 1 });
    expect(await valuesOf('refunds_paid_amount_total', 'currency')).toEqual({});
  });
});
