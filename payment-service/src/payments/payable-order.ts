import type { OrderStatus } from '@shop/common/contracts';

/** What this service knows of an order. */
export interface PayableOrder {
  readonly id: string;
  readonly userId: string;
  /** In minor units of the currency. */
  readonly amount: bigint;
  readonly currency: string;
  /** As they were when the order was placed. */
  readonly currencyDecimals: number;
  readonly status: OrderStatus;
  readonly payableUntil: Date;
}

/** How far along its way an order is: a status never gives way to one that isn't further. */
const progress = {
  pending: 0,
  confirmed: 1,
  processing: 2,
  shipped: 3,
  delivered: 4,
  cancelled: 4,
} as const satisfies Record<OrderStatus, number>;

/** The order with a status told by somebody else, unless that is old news. */
export const advance = (order: PayableOrder, status: OrderStatus): PayableOrder =>
  progress[status] > progress[order.status] ? { ...order, status } : order;

/** Whether a new payment may be opened for an order. */
export const isPayable = (order: PayableOrder, now: Date): boolean =>
  order.status === 'pending' && now < order.payableUntil;

/** Whether an order is about to be cancelled, since nobody paid it in time. One that an admin confirmed unpaid isn't. */
export const isExpired = (order: PayableOrder, now: Date): boolean =>
  order.status === 'pending' && now >= order.payableUntil;
