import type { Actor } from '@shop/common/auth';
import type { Cause } from '@shop/common/database';
import { retryLostRaces } from '@shop/common/errors';
import type { Attempt } from '@shop/common/http';
import type { Logger } from '@shop/common/logger';
import { deletedBy, statusChangedBy } from './order.audit.js';
import { OrderChangedMeanwhile, OrderNotDeletable, OrderNotFound, OwnersOnlyCancel } from './order.errors.js';
import { orderCreated, orderStatusChanged } from './order.events.js';
import {
  changeStatus,
  isDeletable,
  nextStatuses,
  ownerNextStatuses,
  placeOrder,
  SYSTEM,
  type DetailedOrder,
  type Order,
  type OrderDraft,
  type OrderStatus,
} from './order.js';
import type { OrderFilters, OrderRepository, OrderSlice, OrderSliceRequest } from './order.repository.js';
import { PassedOver } from './passed-over.js';

export interface OrderServiceOptions {
  orders: OrderRepository;
  logger: Logger;
  clock: () => Date;
  newId: () => string;
  /** Milliseconds for which a new order can be paid. */
  paymentWindow: number;
}

/** Which orders a list is of: the caller's own, or all that it may see. */
export type OrderList = Omit<OrderFilters, 'userId'> & { scope: 'own' | 'visible' };

const EXPIRY_BATCH = 10;

/** The use cases of orders. A user sees and changes its own, an admin all; what isn't visible looks missing. */
export class OrderService {
  readonly #orders: OrderRepository;
  readonly #logger: Logger;
  readonly #clock: () => Date;
  readonly #newId: () => string;
  readonly #paymentWindow: number;
  readonly #passedOver = new PassedOver();

  constructor({ orders, logger, clock, newId, paymentWindow }: OrderServiceOptions) {
    this.#orders = orders;
    this.#logger = logger;
    this.#clock = clock;
    this.#newId = newId;
    this.#paymentWindow = paymentWindow;
  }

  /** `attempt`: the one at a request that is to be carried out once. */
  async place(actor: Actor, draft: OrderDraft, attempt?: Attempt<DetailedOrder>): Promise<DetailedOrder> {
    const order = placeOrder(draft, {
      userId: actor.id,
      now: this.#clock(),
      newId: this.#newId,
      paymentWindow: this.#paymentWindow,
    });
    await this.#orders.insert(order, orderCreated(order), attempt?.makes(order));
    return order;
  }

  async get(actor: Actor, id: string): Promise<DetailedOrder> {
    const order = await this.#orders.find(id, ownerSeenBy(actor));
    if (order === undefined) throw new OrderNotFound();
    return order;
  }

  list(actor: Actor, { scope, ...filters }: OrderList, request: OrderSliceRequest): Promise<OrderSlice> {
    const userId = scope === 'own' ? actor.id : ownerSeenBy(actor);
    return this.#orders.list({ ...filters, userId }, request);
  }

  /** Those of `ids` that the caller may see. */
  listByIds(actor: Actor, ids: readonly string[]): Promise<readonly Order[]> {
    return this.#orders.listByIds(ids, ownerSeenBy(actor));
  }

  /** Up to `perUser` orders of each user whose orders the caller may see. */
  listNewestOfUsers(actor: Actor, userIds: readonly string[], perUser: number): Promise<readonly Order[]> {
    const owner = ownerSeenBy(actor);
    const visible = owner === undefined ? userIds : userIds.filter((userId) => userId === owner);
    return this.#orders.listNewestOfUsers(visible, perUser);
  }

  /** Of several at once each is judged by what the one before it left. */
  changeStatus(
    actor: Actor,
    id: string,
    target: { status: OrderStatus; reason: string | null },
  ): Promise<DetailedOrder> {
    return retryLostRaces(() => this.#changeStatus(actor, id, target));
  }

  async #changeStatus(
    actor: Actor,
    id: string,
    { status, reason }: { status: OrderStatus; reason: string | null },
  ): Promise<DetailedOrder> {
    const order = await this.get(actor, id);
    const isAdmin = actor.role === 'admin';
    if (!isAdmin && status !== 'cancelled') throw new OwnersOnlyCancel();
    const change = { status, reason, by: actor.id, at: this.#clock() };
    const changed = changeStatus(order, change, isAdmin ? nextStatuses : ownerNextStatuses);
    if (changed === order) return order;
    const audit = [statusChangedBy(actor, changed, order.status)];
    await this.#orders.saveStatus(changed, orderStatusChanged(changed, order.status), { audit });
    return changed;
  }

  async remove(actor: Actor, id: string): Promise<void> {
    const order = await this.#orders.find(id);
    if (order === undefined) throw new OrderNotFound();
    if (!isDeletable(order)) throw new OrderNotDeletable(order.status);
    const audit = [deletedBy(actor, order)];
    if (!(await this.#orders.remove(order, { at: this.#clock(), audit }))) throw new OrderNotFound();
  }

  /** The order's payment succeeded. One that isn't waiting for it any more stays as it is. */
  confirmPaid(id: string, cause: Cause): Promise<void> {
    return this.#follow(id, { status: 'confirmed', reason: null }, cause);
  }

  /** The order's payment was given back in full. What is on its way to the customer stays as it is. */
  cancelRefunded(id: string, cause: Cause): Promise<void> {
    return this.#follow(id, { status: 'cancelled', reason: 'refunded' }, cause);
  }

  /**
   * Cancels orders that were not paid in time. One that can't be cancelled is passed over for a while, so that it holds up
   * no other. True: there may be more of them.
   */
  async cancelExpired(): Promise<boolean> {
    const now = this.#clock();
    const unpaid = await this.#orders.listUnpaid(now, { limit: EXPIRY_BATCH, except: this.#passedOver.ids(now) });
    const done = await Promise.all(unpaid.map((order) => this.#expire(order, now)));
    const isAllInVain = done.length > 0 && !done.includes(true);
    if (isAllInVain) throw new Error('no expired order could be cancelled');
    return unpaid.length === EXPIRY_BATCH;
  }

  /** Whether the order needs no further try. */
  async #expire(order: DetailedOrder, at: Date): Promise<boolean> {
    try {
      const expired = changeStatus(order, { status: 'cancelled', reason: 'expired', by: SYSTEM, at });
      await this.#orders.saveStatus(expired, orderStatusChanged(expired, order.status));
    } catch (err) {
      // Paid or cancelled at this very moment, or another process was faster.
      if (!(err instanceof OrderChangedMeanwhile)) {
        this.#logger.error('expired order not cancelled', { orderId: order.id, err });
        this.#passedOver.failed(order.id, at);
        return false;
      }
    }
    this.#passedOver.succeeded(order.id);
    return true;
  }

  /** What an event asks for happens if the order's status allows it, and never twice. */
  async #follow(id: string, target: { status: OrderStatus; reason: string | null }, cause: Cause): Promise<void> {
    const order = await this.#orders.find(id);
    if (order === undefined || !nextStatuses[order.status].includes(target.status)) {
      await this.#orders.noteCause(cause);
      return;
    }
    const changed = changeStatus(order, { ...target, by: SYSTEM, at: this.#clock() });
    await this.#orders.saveStatus(changed, orderStatusChanged(changed, order.status), { cause });
  }
}

/** Whose orders alone a caller may see; undefined means everybody's. */
const ownerSeenBy = (actor: Actor): string | undefined => (actor.role === 'admin' ? undefined : actor.id);
