import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '@shop/common/metrics';
import { countOrderEvents } from './order.metrics.js';

function setUp() {
  const metrics = createMetrics({ service: 'test' });
  const count = countOrderEvents(metrics);
  const valuesOf = async (name: string): Promise<Record<string, number>> => {
    const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
  };
  const notify = (type: string, data: unknown) =>
    count({ type, data } as Parameters<ReturnType<typeof countOrderEvents>>[0]);
  return { notify, valuesOf };
}

describe('metrics of orders', () => {
  it('nothing has happened yet -> zeros of what will, so that the first of each is seen as an increase', async () => {
    const { valuesOf } = setUp();
    expect(await valuesOf('orders_placed_total')).toEqual({ USD: 0 });
    expect(await valuesOf('orders_placed_amount_total')).toEqual({ USD: 0 });
    expect(await valuesOf('order_status_changes_total')).toEqual({
      'pending confirmed': 0,
      'pending cancelled': 0,
      'confirmed processing': 0,
      'confirmed cancelled': 0,
      'processing shipped': 0,
      'processing cancelled': 0,
      'shipped delivered': 0,
    });
  });

  it('orders are placed and change -> counted by currency and by what they became; what can not be read is not', async () => {
    const { notify, valuesOf } = setUp();
    notify('order.created', { currency: 'USD', totalAmount: 19.99 });
    notify('order.created', { currency: 'USD', totalAmount: 0.01 });
    notify('order.created', { currency: 'JPY', totalAmount: 500 });
    notify('order.created', { currency: 'USD' });
    notify('order.status_changed', { previousStatus: 'pending', status: 'confirmed' });
    notify('order.status_changed', { previousStatus: 'pending', status: 'lost' });

    expect(await valuesOf('orders_placed_total')).toEqual({ USD: 2, JPY: 1 });
    expect(await valuesOf('orders_placed_amount_total')).toEqual({ USD: 20, JPY: 500 });
    expect(await valuesOf('order_status_changes_total')).toMatchObject({
      'pending confirmed': 1,
      'pending cancelled': 0,
    });
  });
});
