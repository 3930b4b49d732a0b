import { ServiceUnavailable } from '@shop/common/errors';
import type { HashingQueue } from '../users/hashing-queue.js';
import type { AttemptBudgetRepository, Settlement, Taken } from './attempt-budget.repository.js';
import { TooManyAttempts } from './throttle.errors.js';
import { budgetOf, keyOf, type AttemptBudget, type AttemptLimit } from './attempt-limit.js';

export interface AttemptLimits {
  /** Wrong logins of one account from one address. */
  readonly login: AttemptLimit;
  /** Wrong logins from one address, of whatever account. */
  readonly loginFromAddress: AttemptLimit;
  /** Wrong logins of one account, from all addresses that it never logged in from. */
  readonly loginOfAccount: AttemptLimit;
  /** All logins of one account from one address, the right ones too. */
  readonly everyLogin: AttemptLimit;
  readonly registrationFromAddress: AttemptLimit;
  readonly refreshFromAddress: AttemptLimit;
  /** Wrong current passwords of one account. */
  readonly passwordChange: AttemptLimit;
}

export interface ThrottleParts {
  limits: AttemptLimits;
  budgets: AttemptBudgetRepository;
  /** Lets few tries at a time ask the database, however many come at once: what else is asked of it comes between. */
  gate: HashingQueue;
  /** Likewise for refreshes, which share their statements. */
  refreshGate: HashingQueue;
  /** The address, or the block of addresses, that the request being handled comes from. */
  clientAddress: () => string;
}

/** Uses up a try of each, in one statement with something else. */
type Claim<C extends { tries: Taken }> = (budgets: readonly AttemptBudget[]) => Promise<C>;

/**
 * Bounds how often passwords can be guessed and accounts be made. A try is used up before it is checked, so that many at
 * once get no further than one after another. Each method throws TooManyAttempts where no try is left,
 * and ServiceUnavailable where too many come at once.
 */
export class Throttle {
  readonly #parts: ThrottleParts;

  constructor(parts: ThrottleParts) {
    this.#parts = parts;
  }

  /**
   * Whoever guesses elsewhere can't lock an owner out of where it logged in from before: of all limits, only that of the
   * account counts addresses together, and not such a one. None depends on whether there is such an account. `claim` uses the
   * tries up with what it reads; an attempt that succeeds writes its settlement with what else it writes.
   */
  async login<C extends { tries: Taken }, T>(
    email: string,
    claim: Claim<C>,
    attempt: (claimed: C, settlement: Settlement) => Promise<T>,
  ): Promise<T> {
    const { limits, clientAddress } = this.#parts;
    const address = clientAddress();
    const place = keyOf('familiar', email, address);
    return this.#try(
      [
        budgetOf(limits.login, email, address),
        budgetOf(limits.loginFromAddress, address),
        { ...budgetOf(limits.loginOfAccount, email), familiarPlace: place },
        budgetOf(limits.everyLogin, email, address),
      ],
      claim,
      (claimed) => {
        const wrongOnly = claimed.tries.taken.filter(({ limit }) => limit !== limits.everyLogin);
        // Of the others one try alone comes back: whoever guesses could log in with an account of its own in between.
        const triesOf = ({ limit }: AttemptBudget): number => (limit === limits.login ? limit.quota : 1);
        return attempt(claimed, { place, returns: wrongOnly.map((budget) => ({ budget, tries: triesOf(budget) })) });
      },
    );
  }

  /** Counts those that succeed, too: each brings an account, and each that fails describes one. */
  async register<T>(email: string, attempt: () => Promise<T>): Promise<T> {
    const { limits, budgets, clientAddress } = this.#parts;
    const address = clientAddress();
    const result = await this.#try([budgetOf(limits.registrationFromAddress, address)], this.#take, attempt);
    await budgets.makeFamiliar(keyOf('familiar', email, address));
    return result;
  }

  /** `claim` uses the tries up with what it writes, and writes nothing where one is refused. */
  async refresh<C extends { tries: Taken }>(claim: (budget: AttemptBudget) => Promise<C>): Promise<C> {
    const { limits, clientAddress, refreshGate } = this.#parts;
    const claimed = await refreshGate.pass(() => claim(budgetOf(limits.refreshFromAddress, clientAddress())));
    await this.#refuse(claimed.tries);
    return claimed;
  }

  async changePassword<T>(userId: string, attempt: () => Promise<T>): Promise<T> {
    const { limits, budgets } = this.#parts;
    const own = budgetOf(limits.passwordChange, userId);
    const result = await this.#try([own], this.#take, attempt);
    await budgets.giveBack([{ budget: own, tries: own.limit.quota }]);
    return result;
  }

  async #try<C extends { tries: Taken }, T>(
    wanted: readonly AttemptBudget[],
    claim: Claim<C>,
    attempt: (claimed: C) => Promise<T>,
  ): Promise<T> {
    const claimed = await this.#claim(wanted, claim);
    try {
      return await attempt(claimed);
    } catch (error) {
      // It was never checked.
      if (error instanceof ServiceUnavailable) await this.#giveBackOneOfEach(claimed.tries.taken);
      throw error;
    }
  }

  async #claim<C extends { tries: Taken }>(wanted: readonly AttemptBudget[], claim: Claim<C>): Promise<C> {
    const claimed = await this.#parts.gate.pass(() => claim(wanted));
    await this.#refuse(claimed.tries);
    return claimed;
  }

  readonly #take: Claim<{ tries: Taken }> = async (wanted) => ({ tries: await this.#parts.budgets.take(wanted) });

  /** Throws TooManyAttempts where one is. */
  async #refuse({ taken, refused }: Taken): Promise<void> {
    const { budgets } = this.#parts;
    if (refused === undefined) return;
    if (taken.length > 0) await this.#giveBackOneOfEach(taken);
    const { name, quota, window } = refused.limit;
    const { retryAfterSeconds, isFirst } = await budgets.refuse(refused);
    throw new TooManyAttempts(
      retryAfterSeconds,
      { name, quota, windowSeconds: Math.ceil(window / 1_000) },
      { isFirst },
    );
  }

  async #giveBackOneOfEach(taken: readonly AttemptBudget[]): Promise<void> {
    await this.#parts.budgets.giveBack(taken.map((budget) => ({ budget, tries: 1 })));
  }
}
