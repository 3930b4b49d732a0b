import {
  GroupedWrites,
  toOutboxRow,
  type AtomicStore,
  type InboundEvent,
  type InboxVerdict,
  type SaveOptions,
  type SaveResult,
} from '@shop/common/database';
import type { LeaseNote } from '@shop/common/idempotency';
import type { Database } from '../database.js';
import type { Prisma } from '../generated/prisma/client.js';
import type { Decision, PaymentAggregate } from './payment-aggregate.js';
import type { PayableOrder } from './payable-order.js';
import { lock, mayBeOpenAgain, write, type TimedAggregate, type Transaction } from './locked-aggregate.js';
import { isLive } from './payment.js';
import { readAggregate, toAggregate, type AggregateRow } from './payment.repository.js';
import {
  advanceOrders,
  changePayments,
  openPayments,
  type FirstPayment,
  type OrderStep,
  type PaymentChange,
} from './payment-statements.js';
import type { Refund } from './refund.js';

/** What is to be written about the request that a decision is part of. */
type NoteOf<D extends Decision> = (decision: D) => LeaseNote | undefined;

/**
 * Changes of an order's aggregate: decided and written under its locks, the order's first, then the payment's. What happens
 * to nearly every payment is one statement instead, shared with others, for a fraction of the cost: decided on what was read
 * without a lock, and written where that is still so under the locks, which nobody waits for; else all is done again, under
 * them from the start.
 */
export class PaymentAggregateRepository {
  readonly #database: Pick<Database, '$lookup'>;
  readonly #store: AtomicStore<Database>;
  readonly #clock: () => Promise<Date>;
  readonly #opens = new GroupedWrites<FirstPayment, InboxVerdict | undefined>({
    write: (firsts) => this.#effectsOf(openPayments(firsts), firsts),
    keyOf: ({ order }) => order.id,
  });
  readonly #steps = new GroupedWrites<OrderStep, InboxVerdict | undefined>({
    write: (steps) => this.#effectsOf(advanceOrders(steps), steps),
    keyOf: ({ order }) => order.id,
  });
  readonly #changes = new GroupedWrites<PaymentChange, boolean>({
    write: (changes) => this.#changePayments(changes),
    keyOf: ({ order }) => order.id,
  });

  /** `clock`: the database's. */
  constructor({
    database,
    store,
    clock,
  }: {
    database: Pick<Database, '$lookup'>;
    store: AtomicStore<Database>;
    clock: () => Promise<Date>;
  }) {
    this.#database = database;
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Writes what `decide` says of an order's aggregate, with all that describes it; what it throws undoes all. `now` is the
   * database's clock under the lock.
   */
  async change<D extends Decision>(
    orderId: string,
    decide: (aggregate: PaymentAggregate, now: Date) => D,
    note?: NoteOf<D>,
  ): Promise<D> {
    const result = await this.#save(
      async (transaction) => {
        const aggregate = await lock(transaction, orderId);
        return { aggregate, decision: decide(aggregate, aggregate.now) };
      },
      { note },
    );
    return valueOf(result);
  }

  /**
   * As `change`, where `decide` mostly changes the payment and nothing else, such as when its charge has ended. `known`: the
   * aggregate as the caller has read or written it, instead of reading it first.
   */
  async changePayment<D extends Decision>(
    orderId: string,
    decide: (aggregate: PaymentAggregate, now: Date) => D,
    { note, known }: { note?: NoteOf<D>; known?: PaymentAggregate | undefined } = {},
  ): Promise<D> {
    const read = known ? await this.#timed(known) : await this.#read(orderId);
    const decision = read && decide(read, read.now);
    const isWritten = decision && (await this.#writeUnchanged(read, decision, note?.(decision)));
    return isWritten ? decision : this.change(orderId, decide, note);
  }

  /** As `change`, of the aggregate that a refund belongs to. */
  async changeRefund(
    { id, paymentId }: Pick<Refund, 'id' | 'paymentId'>,
    decide: (aggregate: PaymentAggregate, refund: Refund, now: Date) => Decision,
    note?: NoteOf<Decision>,
  ): Promise<Decision> {
    const result = await this.#save(
      async (transaction) => {
        const { orderId } = await transaction.payment.findUniqueOrThrow({
          where: { id: paymentId },
          select: { orderId: true },
        });
        const aggregate = await lock(transaction, orderId);
        const refund = await transaction.refund.findUniqueOrThrow({ where: { id } });
        return { aggregate, decision: decide(aggregate, refund, aggregate.now) };
      },
      { note },
    );
    return valueOf(result);
  }

  /**
   * As `change`, because of an event about an order, which is remembered where it isn't known. Answers undefined when
   * the event had its effect before, or a later one of the order had.
   */
  async follow(
    order: PayableOrder,
    cause: InboundEvent,
    decide: (aggregate: PaymentAggregate, now: Date) => Decision,
  ): Promise<Decision | undefined> {
    const result =
      (cause.sequence === 1 ? await this.#openFirst(order, cause, decide) : undefined) ??
      (await this.#followUnchanged(order.id, cause, decide)) ??
      (await this.#save(
        async (transaction) => {
          await transaction.payableOrder.createMany({ data: [order], skipDuplicates: true });
          const aggregate = await lock(transaction, order.id);
          return { aggregate, decision: decide(aggregate, aggregate.now) };
        },
        { cause },
      ));
    return result.outcome === 'saved' ? result.value : undefined;
  }

  /**
   * The first payment of an order that nobody knew, which needs no lock: with others in one statement, since this is what
   * happens to nearly every order. undefined, and nothing is done, where the order is known or gets no payment.
   */
  async #openFirst(
    order: PayableOrder,
    cause: InboundEvent,
    decide: (aggregate: PaymentAggregate, now: Date) => Decision,
  ): Promise<SaveResult<Decision> | undefined> {
    const decision = decide({ order, payment: undefined, payments: 0 }, await this.#clock());
    const { openedPayment: payment, events = [] } = decision;
    if (payment === undefined) return undefined;
    return resultOf(await this.#opens.add({ order, cause, payment, events: events.map(toOutboxRow) }), decision);
  }

  /** What came of each cause; undefined where a guard stopped it. */
  async #effectsOf(
    statement: Prisma.Sql,
    effects: readonly { cause: InboundEvent }[],
  ): Promise<(InboxVerdict | undefined)[]> {
    const causes = effects.map(({ cause }) => cause);
    const verdicts = await this.#store.saveEffects(statement, causes);
    return causes.map(({ eventId }) => verdicts.get(eventId));
  }

  /** Not before its last change: that time was read, and this one is estimated. */
  async #timed(known: PaymentAggregate): Promise<TimedAggregate> {
    const now = await this.#clock();
    const changedAt = known.payment?.updatedAt ?? now;
    return { ...known, now: now < changedAt ? changedAt : now };
  }

  async #read(orderId: string): Promise<TimedAggregate | undefined> {
    const [row] = await this.#database.$lookup<AggregateRow>(readAggregate(orderId));
    return row && toAggregate(row);
  }

  /**
   * Whether the decision was written: only where it changes a live payment and nothing else. A live payment is its order's
   * only one, so as long as both are as they were read, the aggregate is.
   */
  async #writeUnchanged(read: TimedAggregate, decision: Decision, note: LeaseNote | undefined): Promise<boolean> {
    const { payment, events = [], ...others } = decision;
    const { order, payment: before } = read;
    if (payment === undefined || before === undefined || Object.keys(others).length > 0) return false;
    if (!isLive(before) || mayBeOpenAgain(before, payment)) return false;
    const change = { order, before, payment, events: events.map(toOutboxRow) };
    return note ? (await this.#changePayments([change], note))[0] === true : this.#changes.add(change);
  }

  /** Whether each was written. */
  async #changePayments(changes: readonly PaymentChange[], note?: LeaseNote): Promise<boolean[]> {
    const statement = changePayments(changes, note);
    const saved = new Set((await this.#store.saveInOneStatement<{ id: string }>(statement)).map(({ id }) => id));
    return changes.map(({ payment }) => saved.has(payment.id));
  }

  /**
   * An order that has a payment has got further: what most events say. undefined, and nothing is done, where there is more to
   * do. A cancelled order is not followed so: a payment of it that was opened meanwhile would stay.
   */
  async #followUnchanged(
    orderId: string,
    cause: InboundEvent,
    decide: (aggregate: PaymentAggregate, now: Date) => Decision,
  ): Promise<SaveResult<Decision> | undefined> {
    const read = await this.#read(orderId);
    if (read?.payment === undefined) return undefined;
    const decision = decide(read, read.now);
    const { order, ...others } = decision;
    if (order === undefined || order.status === 'cancelled' || Object.keys(others).length > 0) return undefined;
    const outcome = await this.#steps.add({ order: read.order, status: order.status, cause });
    return resultOf(outcome, decision);
  }

  async #save<D extends Decision>(
    work: (transaction: Transaction) => Promise<{ aggregate: TimedAggregate; decision: D }>,
    { note, ...options }: SaveOptions & { note?: NoteOf<D> | undefined },
  ): Promise<SaveResult<D>> {
    return this.#store.save(async (transaction) => {
      const { aggregate, decision } = await work(transaction);
      await write(transaction, aggregate, decision);
      return { value: decision, events: decision.events ?? [], audit: decision.audit, note: note?.(decision) };
    }, options);
  }
}

function valueOf<D>(result: SaveResult<D>): D {
  if (result.outcome !== 'saved') throw new Error('a change without a cause was taken for a repeated one');
  return result.value;
}

/** undefined where the guard of a statement has stopped it. */
function resultOf<D>(outcome: InboxVerdict | undefined, value: D): SaveResult<D> | undefined {
  if (outcome === undefined) return undefined;
  return outcome === 'new' ? { outcome: 'saved', value } : { outcome };
}
