import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { orderStatuses } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import { currencyDecimals, MAX_MINOR_UNITS, toMajorUnits } from '@shop/common/money';
import { IllegalStatusChange } from './order.errors.js';
import {
  changeStatus,
  isDeletable,
  nextStatuses,
  ownerNextStatuses,
  placeOrder,
  type OrderDraft,
  type OrderStatus,
} from './order.js';

const now = new Date('2026-01-31T12:00:00.000Z');

function place(items: Partial<OrderDraft['items'][number]>[], currency = 'USD') {
  let ids = 0;
  return placeOrder(
    {
      currency,
      shippingAddress: '1 Main Street',
      notes: null,
      items: items.map((item) => ({ productId: 'book', productName: 'A book', quantity: 1, unitPrice: 10, ...item })),
    },
    { userId: 'alice', now, newId: () => `id-${++ids}`, paymentWindow: 1_800_000 },
  );
}

const faultsOf = (place: () => unknown) => {
  try {
    place();
  } catch (error) {
    if (error instanceof InvalidInput) return error.fields;
    throw error;
  }
  return [];
};

describe('a new order', () => {
  it('is pending, payable for its window, and has that in its history', () => {
    const order = place([{}]);
    expect(order).toMatchObject({ status: 'pending', version: 1, createdAt: now, updatedAt: now });
    expect(order.payableUntil).toEqual(new Date('2026-01-31T12:30:00.000Z'));
    expect(order.statusHistory).toEqual([{ status: 'pending', at: now, by: 'alice', reason: null }]);
  });

  it.each([
    [
      'USD',
      [
        [3, 19.99],
        [1, 0.1],
      ],
      6_007n,
    ],
    ['JPY', [[2, 500]], 1_000n],
    ['KWD', [[10, 1.005]], 10_050n],
    ['USD', [[1, 9_999_999_999_999.99]], MAX_MINOR_UNITS],
  ] as const)('in %s of %j (quantity, price) -> %d minor units in total', (currency, lines, total) => {
    const order = place(
      lines.map(([quantity, unitPrice]) => ({ quantity, unitPrice })),
      currency,
    );
    expect(order.totalAmount).toBe(total);
  });

  it('whatever is in it, in any currency -> the total is exact, or refused past 15 digits', () => {
    const line = (quantity: number, unitPrice: bigint) =>
      fc.record({
        quantity: fc.integer({ min: 1, max: quantity }),
        unitPrice: fc.bigInt({ min: 1n, max: unitPrice }),
      });
    const lines = fc.oneof(
      fc.array(line(10_000, 999_999_999n), { minLength: 1, maxLength: 100 }),
      fc.array(line(1, MAX_MINOR_UNITS), { minLength: 1, maxLength: 3 }),
    );
    let [large, refused] = [0, 0];
    fc.assert(
      fc.property(lines, fc.constantFrom('USD', 'JPY', 'KWD'), (items, currency) => {
        const total = items.reduce((sum, { quantity, unitPrice }) => sum + BigInt(quantity) * unitPrice, 0n);
        const inMajorUnits = items.map(({ quantity, unitPrice }) => ({
          quantity,
          unitPrice: toMajorUnits(unitPrice, currencyDecimals(currency)),
        }));
        if (total > MAX_MINOR_UNITS) {
          refused += 1;
          return faultsOf(() => place(inMajorUnits, currency))[0]?.field === 'items';
        }
        if (total > MAX_MINOR_UNITS / 10n) large += 1;
        return place(inMajorUnits, currency).totalAmount === total;
      }),
      { numRuns: 10_000 },
    );
    expect(large).toBeGreaterThan(1_000);
    expect(refused).toBeGreaterThan(100);
  });

  it('prices that are no money in their currency -> each is named', () => {
    expect(faultsOf(() => place([{}, { unitPrice: 0.001 }, {}, { unitPrice: 1.999 }]))).toEqual([
      { field: 'items[1].unitPrice', message: 'must have at most 2 decimals in USD' },
      { field: 'items[3].unitPrice', message: 'must have at most 2 decimals in USD' },
    ]);
    expect(faultsOf(() => place([{ unitPrice: 0.5 }], 'JPY'))).toEqual([
      { field: 'items[0].unitPrice', message: 'must have at most 0 decimals in JPY' },
    ]);
    expect(faultsOf(() => place([{ unitPrice: 10_000_000_000_000 }]))).toEqual([
      { field: 'items[0].unitPrice', message: 'is too large' },
    ]);
  });

  it('a total past 15 digits, by one line or by many -> refused', () => {
    const tooLarge = [{ field: 'items', message: 'total amount is too large' }];
    expect(faultsOf(() => place([{ quantity: 10_000, unitPrice: 1_000_000_000 }]))).toEqual(tooLarge);
    expect(faultsOf(() => place([{ unitPrice: 9_999_999_999_999.99 }, { unitPrice: 0.01 }]))).toEqual(tooLarge);
  });
});

describe('the status of an order', () => {
  const attempt = fc.record({ status: fc.constantFrom(...orderStatuses), isAdmin: fc.boolean() });
  const outcomeOf = (change: () => unknown): 'done' | 'refused' => {
    try {
      change();
      return 'done';
    } catch (error) {
      if (error instanceof IllegalStatusChange) return 'refused';
      throw error;
    }
  };

  it('whatever is tried in whatever order -> only legal steps are taken, and the history tells all of them', () => {
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 12 }), (attempts) => {
        let order = place([{}]);
        const taken: OrderStatus[] = ['pending'];
        const surprises = attempts.filter(({ status, isAdmin }) => {
          const before = order;
          const table = isAdmin ? nextStatuses : ownerNextStatuses;
          const isLegal = before.status === status || table[before.status].includes(status);
          if (isLegal && before.status !== status) taken.push(status);
          const outcome = outcomeOf(() => {
            order = changeStatus(before, { status, at: now, by: 'somebody', reason: null }, table);
          });
          return outcome !== (isLegal ? 'done' : 'refused') || (order.status === before.status) !== (order === before);
        });
        expect({
          surprises,
          status: order.status,
          version: order.version,
          history: order.statusHistory.map(({ status }) => status),
        }).toEqual({ surprises: [], status: taken.at(-1), version: taken.length, history: taken });
      }),
      { numRuns: 10_000 },
    );
  });

  it('the tables -> no way leads back, owners may do a part of what admins may, and every status can be reached', () => {
    const later = (from: OrderStatus): OrderStatus[] => nextStatuses[from].flatMap((next) => [next, ...later(next)]);
    for (const status of orderStatuses) {
      expect(later(status)).not.toContain(status);
      expect(nextStatuses[status]).toEqual(expect.arrayContaining([...ownerNextStatuses[status]]));
    }
    expect(new Set(['pending', ...later('pending')])).toEqual(new Set(orderStatuses));
  });

  it('an illegal change -> names both states', () => {
    const order = place([{}]);
    const change = { status: 'shipped', at: now, by: 'admin', reason: null } as const;
    expect(() => changeStatus(order, change)).toThrow('Order status can not change from pending to shipped');
  });

  it('only delivered and cancelled orders can be deleted', () => {
    const order = place([{}]);
    expect(orderStatuses.filter((status) => isDeletable({ ...order, status }))).toEqual(['delivered', 'cancelled']);
  });
});
