import { ServiceUnavailable } from '@shop/common/errors';
import type { Gate } from '../users/gate.js';
import type { AttemptBudgetRepository } from './attempt-budget.repository.js';
import { TooManyAttempts } from './throttle.errors.js';
import { budgetOf, keyOf, type AttemptBudget, type AttemptLimit } from './attempt-limit.js';

export interface AttemptLimits {
  /** Wrong log-ins of one account from one address. */
  readonly logIn: AttemptLimit;
  /** Wrong log-ins of one account, from all addresses that it never logged in from. */
  readonly logInOfAccount: AttemptLimit;
  /** Wrong log-ins from one address, of all accounts that never logged in from there. */
  readonly logInFromAddress: AttemptLimit;
  readonly registrationFromAddress: AttemptLimit;
  readonly refreshFromAddress: AttemptLimit;
  /** Wrong current passwords of one account. */
  readonly passwordChange: AttemptLimit;
}

export interface ThrottleParts {
  limits: AttemptLimits;
  budgets: AttemptBudgetRepository;
  /** Lets few tries at a time ask the database, however many come at once: what else is asked of it comes between. */
  gate: Gate;
  /** The address, or the block of addresses, that the request being handled comes from. */
  clientAddress: () => string;
}

/**
 * Bounds how often passwords can be guessed and accounts be made. A try is used up before it is judged, so that many at
 * once get no further than one after another. Each method throws TooManyAttempts where no try is left,
 * and ServiceUnavailable where too many come at once.
 */
export class Throttle {
  readonly #parts: ThrottleParts;

  constructor(parts: ThrottleParts) {
    this.#parts = parts;
  }

  /**
   * An account from an address that it logged in from before has a budget of its own: whoever guesses elsewhere, or
   * beside it, can't lock its owner out. Nothing here depends on whether there is such an account.
   */
  async logIn<T>(email: string, attempt: () => Promise<T>): Promise<T> {
    const { limits, budgets, gate, clientAddress } = this.#parts;
    const address = clientAddress();
    const own = budgetOf(limits.logIn, email, address);
    const place = keyOf('familiar', email, address);
    const shared = (await gate.pass(() => budgets.isFamiliar(place)))
      ? []
      : [budgetOf(limits.logInFromAddress, address), budgetOf(limits.logInOfAccount, email)];
    return this.#try([own, ...shared], attempt, async () => {
      await budgets.refill(own);
      // Not refilled: whoever guesses could log in with an account of its own in between.
      for (const budget of shared) await budgets.giveBack(budget);
      await budgets.makeFamiliar(place);
    });
  }

  /** Counts those that succeed, too: each brings an account, and each that fails tells of one. */
  async register<T>(email: string, attempt: () => Promise<T>): Promise<T> {
    const { limits, budgets, clientAddress } = this.#parts;
    const address = clientAddress();
    return this.#try([budgetOf(limits.registrationFromAddress, address)], attempt, () =>
      budgets.makeFamiliar(keyOf('familiar', email, address)),
    );
  }

  async refresh<T>(attempt: () => Promise<T>): Promise<T> {
    const { limits, clientAddress } = this.#parts;
    return this.#try([budgetOf(limits.refreshFromAddress, clientAddress())], attempt);
  }

  async changePassword<T>(userId: string, attempt: () => Promise<T>): Promise<T> {
    const { limits, budgets } = this.#parts;
    const own = budgetOf(limits.passwordChange, userId);
    return this.#try([own], attempt, () => budgets.refill(own));
  }

  async #try<T>(
    wanted: readonly AttemptBudget[],
    attempt: () => Promise<T>,
    onSuccess: () => Promise<void> = async () => undefined,
  ): Promise<T> {
    await this.#parts.gate.pass(() => this.#takeAll(wanted));
    let result: T;
    try {
      result = await attempt();
    } catch (error) {
      // It was never judged.
      if (error instanceof ServiceUnavailable) await this.#giveBack(wanted);
      throw error;
    }
    await onSuccess();
    return result;
  }

  async #takeAll(wanted: readonly AttemptBudget[]): Promise<void> {
    const { budgets } = this.#parts;
    for (const [index, budget] of wanted.entries()) {
      if (await budgets.take(budget)) continue;
      const { name, quota, window } = budget.limit;
      const wait = await budgets.secondsUntilNext(budget);
      await this.#giveBack(wanted.slice(0, index));
      const isFirst = await budgets.noteRefusal(budget);
      throw new TooManyAttempts(wait, { name, quota, windowSeconds: Math.ceil(window / 1_000) }, { isFirst });
    }
  }

  async #giveBack(taken: readonly AttemptBudget[]): Promise<void> {
    for (const budget of taken) await this.#parts.budgets.giveBack(budget);
  }
}
