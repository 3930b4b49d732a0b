import type { OrderStatus } from '../src/orders/order.js';
import type { TestCaller } from './test-service.js';

/** The body of a valid order: 2 x 19.99 + 1 x 5.00 = 44.98 USD. */
export const orderBody = (changes: object = {}) => ({
  shippingAddress: '1 Main Street, Springfield',
  items: [
    { productId: 'book', productName: 'A book', quantity: 2, unitPrice: 19.99 },
    { productId: 'pen', productName: 'A pen', quantity: 1, unitPrice: 5 },
  ],
  ...changes,
});

/** The body of an order of 200 kB. */
export const largeOrderBody = () => ({
  shippingAddress: '1 Main Street, Springfield',
  items: Array.from({ length: 100 }, (_, i) => ({
    productId: `${i % 10}${'𝒳'.repeat(254)}`,
    productName: '𝒳'.repeat(255),
    quantity: 1,
    unitPrice: 1,
  })),
});

/** How an order gets into each status. */
const wayTo: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: [],
  confirmed: ['confirmed'],
  processing: ['confirmed', 'processing'],
  shipped: ['confirmed', 'processing', 'shipped'],
  delivered: ['confirmed', 'processing', 'shipped', 'delivered'],
  cancelled: ['cancelled'],
};

/** Places an order. Answers its id. */
export async function placeOrder(owner: TestCaller, order: object = orderBody()): Promise<string> {
  const { body } = await owner.post(order).expect(201);
  return (body as { data: { id: string } }).data.id;
}

/** Places an order and has an admin bring it into a status. Answers its id. */
export async function placeOrderIn(
  status: OrderStatus,
  { owner, admin }: { owner: TestCaller; admin: TestCaller },
): Promise<string> {
  const id = await placeOrder(owner);
  for (const next of wayTo[status]) await admin.patch(`/${id}/status`, { status: next }).expect(200);
  return id;
}
