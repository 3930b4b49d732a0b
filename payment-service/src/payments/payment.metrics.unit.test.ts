import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '@shop/common/metrics';
import { countPaymentEvents } from './payment.metrics.js';

function setUp() {
  const metrics = createMetrics({ service: 'test' });
  const count = countPaymentEvents(metrics);
  const valuesOf = async (name: string): Promise<Record<string, number>> => {
    const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
  };
  const notify = (type: string, data: unknown) =>
    count({ type, data } as Parameters<ReturnType<typeof countPaymentEvents>>[0]);
  return { notify, valuesOf };
}

describe('metrics of payments', () => {
  it('nothing has happened yet -> a zero of each result and method, so that the first is seen as an increase', async () => {
    const counts = await setUp().valuesOf('payments_settled_total');
    expect(Object.keys(counts)).toHaveLength(3 * 4);
    expect(counts).toMatchObject({ 'success card': 0, 'failed e_wallet': 0, 'cancelled cash': 0 });
    expect(new Set(Object.values(counts))).toEqual(new Set([0]));
  });

  it('payments end -> counted by result and method, and what was paid by currency', async () => {
    const { notify, valuesOf } = setUp();
    const usd = { amount: 19.99, currency: 'USD', method: 'card' };
    notify('payment.success', usd);
    notify('payment.success', { ...usd, amount: 5, currency: 'KWD', method: 'cash' });
    notify('payment.failed', usd);
    notify('payment.cancelled', usd);
    notify('payment.processing', usd);
    notify('payment.success', { amount: 1 });

    expect(await valuesOf('payments_settled_total')).toMatchObject({
      'success card': 1,
      'success cash': 1,
      'failed card': 1,
      'cancelled card': 1,
    });
    expect(await valuesOf('payments_received_amount_total')).toEqual({ USD: 19.99, KWD: 5 });
  });

  it('orders expire -> each is counted, and its payment as cancelled unless that had failed before', async () => {
    const { notify, valuesOf } = setUp();
    const usd = { amount: 19.99, currency: 'USD', method: 'card' };
    notify('payment.expired', { ...usd, previousStatus: 'pending' });
    notify('payment.expired', { ...usd, previousStatus: 'failed' });

    expect(await valuesOf('orders_expired_total')).toEqual({ '': 2 });
    expect(await valuesOf('payments_settled_total')).toMatchObject({ 'cancelled card': 1, 'failed card': 0 });
  });
});
