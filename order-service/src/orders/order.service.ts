import type { Actor } from '@shop/common/auth';
import type { InboundEvent } from '@shop/common/database';
import { retryLostRaces, type Precondition } from '@shop/common/errors';
import type { IdempotencyLease } from '@shop/common/idempotency';
import { noneOf, type JsonRows, type JsonSlice, type PageRequest } from '@shop/common/paging';
import { deletedBy, statusChangedBy } from './order.audit.js';
import { OrderNotDeletable, OrderNotFound, OwnersOnlyCancel } from './order.errors.js';
import { orderCreated, orderStatusChanged } from './order.events.js';
import {
  changeStatus,
  isDeletable,
  nextStatuses,
  ownerNextStatuses,
  placeOrder,
  SYSTEM,
  type DetailedOrder,
  type OrderDraft,
  type OrderStatus,
} from './order.js';
import type { OrderFilters } from './order.reads.js';
import type { Admit, OrderRepository, OrderView } from './order.repository.js';

export interface OrderServiceOptions {
  orders: OrderRepository;
  /** The database's. */
  clock: () => Promise<Date>;
  newId: () => string;
  /** Milliseconds for which a new order can be paid. */
  paymentWindow: number;
}

/** Which orders a list is of: the caller's own, or all that it may see. */
export type OrderList = OrderFilters & { scope: 'own' | 'visible' };

/** The use cases of orders. A user sees and changes its own, an admin all; what isn't visible looks missing. */
export class OrderService {
  readonly #orders: OrderRepository;
  readonly #clock: () => Promise<Date>;
  readonly #newId: () => string;
  readonly #paymentWindow: number;

  constructor({ orders, clock, newId, paymentWindow }: OrderServiceOptions) {
    this.#orders = orders;
    this.#clock = clock;
    this.#newId = newId;
    this.#paymentWindow = paymentWindow;
  }

  /** `attempt`: the one at a request that is to be carried out once. */
  async place(actor: Actor, draft: OrderDraft, lease?: IdempotencyLease<DetailedOrder>): Promise<DetailedOrder> {
    const order = placeOrder(draft, {
      userId: actor.id,
      now: await this.#clock(),
      newId: this.#newId,
      paymentWindow: this.#paymentWindow,
    });
    await this.#orders.insert(order, orderCreated(order), lease?.complete(order));
    return order;
  }

  async get(actor: Actor, id: string): Promise<DetailedOrder> {
    const order = await this.#orders.find(id, ownerSeenBy(actor));
    if (order === undefined) throw new OrderNotFound();
    return order;
  }

  /** As answers show it. Throws OrderNotFound. */
  async view(actor: Actor, id: string): Promise<OrderView> {
    const view = await this.#orders.findView(id, ownerSeenBy(actor));
    if (view === undefined) throw new OrderNotFound();
    return view;
  }

  /** Of another user than the caller may see there are none. */
  list(
    actor: Actor,
    list: OrderList,
    request: PageRequest,
    how: { detailed: boolean; admit: Admit },
  ): Promise<JsonSlice> {
    const filters = filtersFor(actor, list);
    return filters === undefined ? Promise.resolve(noneOf(request)) : this.#orders.list(filters, request, how);
  }

  /** Those of `ids` that the caller may see. */
  listByIds(actor: Actor, ids: readonly string[], admit: Admit): Promise<JsonRows> {
    return this.#orders.listByIds(ids, admit, ownerSeenBy(actor));
  }

  /** Up to `perUser` orders of each user whose orders the caller may see. */
  listNewestOfUsers(
    actor: Actor,
    { userIds, perUser }: { userIds: readonly string[]; perUser: number },
    admit: Admit,
  ): Promise<JsonRows> {
    const owner = ownerSeenBy(actor);
    const visible = owner === undefined ? userIds : userIds.filter((userId) => userId === owner);
    return this.#orders.listNewestOfUsers(visible, perUser, admit);
  }

  /** Of several at once each is checked by what the one before it left. Throws PreconditionFailed. */
  changeStatus(
    actor: Actor,
    id: string,
    target: { status: OrderStatus; reason: string | null },
    precondition?: Precondition,
  ): Promise<DetailedOrder> {
    return retryLostRaces(() => this.#changeStatus(actor, id, target, precondition));
  }

  async #changeStatus(
    actor: Actor,
    id: string,
    { status, reason }: { status: OrderStatus; reason: string | null },
    precondition?: Precondition,
  ): Promise<DetailedOrder> {
    const order = await this.get(actor, id);
    const isAdmin = actor.role === 'admin';
    if (!isAdmin && status !== 'cancelled') throw new OwnersOnlyCancel();
    precondition?.(order.version);
    const change = { status, reason, by: actor.id, at: await this.#clock() };
    const changed = changeStatus(order, change, isAdmin ? nextStatuses : ownerNextStatuses);
    if (changed === order) return order;
    const audit = [statusChangedBy(actor, changed, order.status)];
    await this.#orders.saveStatus(changed, orderStatusChanged(changed, order.status), { audit });
    return changed;
  }

  async remove(actor: Actor, id: string, precondition?: Precondition): Promise<void> {
    const order = await this.#orders.find(id);
    if (order === undefined) throw new OrderNotFound();
    precondition?.(order.version);
    if (!isDeletable(order)) throw new OrderNotDeletable(order.status);
    const audit = [deletedBy(actor, order)];
    if (!(await this.#orders.remove(order, { at: await this.#clock(), audit }))) throw new OrderNotFound();
  }

  /** The order's payment succeeded, whatever was refunded of it since. One that isn't waiting for it any more stays as it is. */
  confirmPaid(id: string, cause: InboundEvent): Promise<void> {
    return this.#follow(id, { status: 'confirmed', reason: null }, cause);
  }

  /** Payment-service has decided that nobody paid the order in time. One that isn't waiting for it any more stays as it is. */
  cancelExpired(id: string, cause: InboundEvent): Promise<void> {
    return this.#follow(id, { status: 'cancelled', reason: 'expired', from: 'pending' }, cause);
  }

  /** The order's payment was given back in full. What is on its way to the customer stays as it is. */
  cancelRefunded(id: string, cause: InboundEvent): Promise<void> {
    return this.#follow(id, { status: 'cancelled', reason: 'refunded' }, cause);
  }

  /** What an event asks for happens if the order's status allows it, and never twice. */
  async #follow(
    id: string,
    { from, ...target }: { status: OrderStatus; reason: string | null; from?: OrderStatus },
    cause: InboundEvent,
  ): Promise<void> {
    const order = await this.#orders.find(id);
    const isDue = order !== undefined && nextStatuses[order.status].includes(target.status);
    if (!isDue || (from !== undefined && order.status !== from)) {
      await this.#orders.markProcessed(cause);
      return;
    }
    const changed = changeStatus(order, { ...target, by: SYSTEM, at: await this.#clock() });
    await this.#orders.saveStatus(changed, orderStatusChanged(changed, order.status), { cause });
  }
}

/** undefined: none of what is asked for is the caller's to see. */
function filtersFor(actor: Actor, { scope, ...filters }: OrderList): OrderFilters | undefined {
  const owner = scope === 'own' ? actor.id : ownerSeenBy(actor);
  const { userId = owner } = filters;
  return owner === undefined || owner === userId ? { ...filters, userId } : undefined;
}

/** Whose orders alone a caller may see; undefined means everybody's. */
const ownerSeenBy = (actor: Actor): string | undefined => (actor.role === 'admin' ? undefined : actor.id);
