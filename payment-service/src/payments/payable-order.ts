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
  /** When it was decided that nobody has paid the order in time; null: it wasn't. */
  readonly expiredAt: Date | null;
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

/** The order with a status reported by somebody else, unless that is old news. */
export const advance = (order: PayableOrder, status: OrderStatus): PayableOrder =>
  progress[status] > progress[order.status] ? { ...order, status } : order;

/** Whether a new payment may be opened for an order. */
export const isPayable = (order: PayableOrder, now: Date): boolean =>
  order.status === 'pending' && !isTooLate(order, now);

/** Whether no charge of an order may begin any more. One that an admin confirmed unpaid can be paid at any time. */
export const isTooLate = ({ status, payableUntil, expiredAt }: PayableOrder, now: Date): boolean =>
  expiredAt !== null || (status === 'pending' && now >= payableUntil);

/** Whether what is paid for an order has to go back: it is cancelled, or is about to be. */
export const isCalledOff = ({ status, expiredAt }: PayableOrder): boolean =>
  status === 'cancelled' || expiredAt !== null;
