import { expect } from '@jest/globals';
import { v7 as newId } from 'uuid';
import type { DomainEvent, EventOf, OrderResource, OrderStatus, PaymentResource } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import type { TestCaller, TestService } from './test-service.js';

/** An order of 44.98 USD that waits for its payment. */
export const buildOrder = (changes: Partial<OrderResource> & { userId: string }): OrderResource => ({
  id: newId(),
  status: 'pending',
  statusReason: null,
  totalAmount: 44.98,
  currency: 'USD',
  shippingAddress: '1 Main Street, Springfield',
  notes: null,
  items: [{ id: newId(), productId: 'book', productName: 'A book', quantity: 1, unitPrice: 44.98 }],
  payableUntil: new Date(Date.now() + 30 * 60_000).toISOString(),
  createdAt: new Date().toISOString(),
  updatedAt: new Date().toISOString(),
  ...changes,
});

const envelope = (subject: string, sequence: number) => ({
  specversion: '1.0' as const,
  id: newId(),
  source: '/order-service',
  subject,
  time: new Date().toISOString(),
  sequence,
});

export const orderCreatedEvent = (order: EventOf<'order.created'>['data']): EventOf<'order.created'> => ({
  ...envelope(order.id, 1),
  type: 'order.created',
  data: order,
});

export const statusChangedEvent = (
  order: EventOf<'order.created'>['data'],
  status: OrderStatus,
  sequence = 2,
): EventOf<'order.status_changed'> => ({
  ...envelope(order.id, sequence),
  type: 'order.status_changed',
  data: { ...order, status, previousStatus: order.status, reason: null },
});

/**
 * Delivers events of one order, each as often as it is named, and waits until all of them are dealt with: until a last
 * and stale one is, since events of an order are handled one after another.
 */
export async function deliver(test: TestService, ...events: readonly (DomainEvent & { type: `order.${string}` })[]) {
  const last = { ...orderCreatedEvent(buildOrder({ userId: newId(), id: events[0]!.subject })), sequence: 0 };
  await test.publish(...events, last);
  const ids = new Set([...events, last].map(({ id }) => id));
  await eventually(async () => {
    expect(await test.query('SELECT FROM inbox WHERE event_id = ANY($1)', [[...ids]])).toHaveLength(ids.size);
  });
}

/** Places an order and waits until the service has opened its payment. */
export async function placeOrder(
  test: TestService,
  owner: TestCaller,
  changes: Partial<OrderResource> = {},
): Promise<{ order: OrderResource; payment: PaymentResource }> {
  const order = buildOrder({ userId: owner.id, ...changes });
  test.orderService.orders.set(order.id, order);
  await test.publish(orderCreatedEvent(order));
  const { body } = await eventually(() => owner.get(`/order/${order.id}`).expect(200));
  return { order, payment: (body as { data: PaymentResource }).data };
}

/** As `placeOrder`, and pays. */
export async function placePaidOrder(test: TestService, owner: TestCaller, changes: Partial<OrderResource> = {}) {
  const { order, payment } = await placeOrder(test, owner, changes);
  const { body } = await owner.post(`/${payment.id}/process`, {}).expect(200);
  return { order, payment: (body as { data: PaymentResource }).data };
}
