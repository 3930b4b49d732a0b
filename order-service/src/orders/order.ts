import { InvalidInput, type FieldFault } from '@shop/common/errors';
import { currencyDecimals, MAX_MINOR_UNITS, MoneyError, toMinorUnits } from '@shop/common/money';
import { IllegalStatusChange } from './order.errors.js';

export type OrderStatus = 'pending' | 'confirmed' | 'processing' | 'shipped' | 'delivered' | 'cancelled';

/** Which status may follow which. */
export type StatusTable = Readonly<Record<OrderStatus, readonly OrderStatus[]>>;

export const nextStatuses: StatusTable = {
  pending: ['confirmed', 'cancelled'],
  confirmed: ['processing', 'cancelled'],
  processing: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
};

/** What an owner may do of that: cancel, until somebody works on the order. */
export const ownerNextStatuses: StatusTable = {
  pending: ['cancelled'],
  confirmed: ['cancelled'],
  processing: [],
  shipped: [],
  delivered: [],
  cancelled: [],
};

/** Who changes an order when an event does, rather than a user. */
export const SYSTEM = 'system';

export interface OrderItem {
  readonly id: string;
  readonly productId: string;
  readonly productName: string;
  readonly quantity: number;
  /** In minor units of the order's currency. */
  readonly unitPrice: bigint;
}

export interface Order {
  readonly id: string;
  readonly userId: string;
  readonly status: OrderStatus;
  readonly statusReason: string | null;
  /** In minor units of the currency. */
  readonly totalAmount: bigint;
  readonly currency: string;
  /** As they were when the order was placed. */
  readonly currencyDecimals: number;
  readonly shippingAddress: string;
  readonly notes: string | null;
  readonly items: readonly OrderItem[];
  readonly payableUntil: Date;
  /** Starts at 1 and grows by one with each change. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** What it has as JSON, about. */
  readonly bytes: number;
}

export interface StatusChange {
  readonly status: OrderStatus;
  readonly at: Date;
  /** A user's id, or SYSTEM. */
  readonly by: string;
  readonly reason: string | null;
}

/** An order with every status that it has had, oldest first. */
export interface DetailedOrder extends Order {
  readonly statusHistory: readonly StatusChange[];
}

/** What a customer asks for; prices are in major units (19.99). */
export interface OrderDraft {
  readonly currency: string;
  readonly shippingAddress: string;
  readonly notes: string | null;
  readonly items: readonly { productId: string; productName: string; quantity: number; unitPrice: number }[];
}

/** A new order of `userId`, payable for `paymentWindow` milliseconds. Throws InvalidInput when its amounts are no money. */
export function placeOrder(
  { items: wanted, ...asked }: OrderDraft,
  { userId, now, newId, paymentWindow }: { userId: string; now: Date; newId: () => string; paymentWindow: number },
): DetailedOrder {
  const prices = toPrices(wanted, asked.currency);
  const items = wanted.map((item, index) => ({ ...item, id: newId(), unitPrice: prices[index] ?? 0n }));
  const status = 'pending';
  return {
    ...asked,
    id: newId(),
    userId,
    status,
    statusReason: null,
    totalAmount: totalOf(items),
    currencyDecimals: currencyDecimals(asked.currency),
    items,
    payableUntil: new Date(now.getTime() + paymentWindow),
    version: 1,
    createdAt: now,
    updatedAt: now,
    bytes: bytesOf({ ...asked, items: wanted }),
    statusHistory: [{ status, at: now, by: userId, reason: null }],
  };
}

/**
 * The order in its next status, or the very same order if it is in that status already. Throws IllegalStatusChange when
 * `table` doesn't allow it.
 */
export function changeStatus(order: DetailedOrder, change: StatusChange, table = nextStatuses): DetailedOrder {
  const { status, reason, at } = change;
  if (order.status === status) return order;
  if (!table[order.status].includes(status)) throw new IllegalStatusChange({ from: order.status, to: status });
  return {
    ...order,
    status,
    statusReason: reason,
    version: order.version + 1,
    updatedAt: at,
    statusHistory: [...order.statusHistory, change],
  };
}

/** An order that can still become something else stays where people look for it. */
export const isDeletable = ({ status }: Order): boolean => nextStatuses[status].length === 0;

/** Names, ids, amounts and times of an order and of an item, beside their texts. */
const BYTES_OF_ORDER = 500;
export const BYTES_OF_ITEM = 150;

function bytesOf({ items, ...asked }: OrderDraft): number {
  const texts = [...Object.values(asked), ...items.flatMap(({ productId, productName }) => [productId, productName])];
  return BYTES_OF_ORDER + items.length * BYTES_OF_ITEM + Buffer.byteLength(JSON.stringify(texts));
}

function toPrices(items: OrderDraft['items'], currency: string): bigint[] {
  const faults: FieldFault[] = [];
  const prices = items.map(({ unitPrice }, index) => {
    try {
      return toMinorUnits(unitPrice, currency);
    } catch (error) {
      if (!(error instanceof MoneyError)) throw error;
      faults.push({ field: `items[${index}].unitPrice`, message: error.message });
      return 0n;
    }
  });
  if (faults.length > 0) throw new InvalidInput(faults);
  return prices;
}

function totalOf(items: readonly OrderItem[]): bigint {
  const total = items.reduce((sum, { quantity, unitPrice }) => sum + BigInt(quantity) * unitPrice, 0n);
  if (total > MAX_MINOR_UNITS) throw new InvalidInput([{ field: 'items', message: 'total amount is too large' }]);
  return total;
}
