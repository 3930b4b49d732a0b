import { backOff, pause } from '../rabbitmq/index.js';

const PROBE_PAUSE = { first: 100, most: 2_000 };

export interface CircuitBreakerOptions {
  /** Milliseconds that one piece of work is held at most. */
  holdLimit: number;
  /** Lets go of everything that is held. */
  stopping: AbortSignal;
  /** Work is held from now on; called once an outage. */
  onOpen: (error: unknown) => void;
  /** Work goes on. */
  onClose: () => void;
  /** Something succeeded. */
  onSuccess: () => void;
}

/** A piece of work that can be tried again and again. */
export interface HeldWork {
  work: () => Promise<void>;
  /** Whether its error means that other work would fail as well. Asked once for each failure. */
  isOutage: (error: unknown) => boolean;
  /** Nobody waits for it any more. */
  lost: AbortSignal;
}

/**
 * Holds work back while what it needs can't be had. Of all that is held one piece at a time is tried, each in its turn, with
 * growing pauses of two seconds at most, so that they don't storm what is just coming back. When one succeeds, or fails for
 * a reason of its own, all go on.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #isOpen = false;
  #failures = 0;
  #trial: Promise<unknown> | undefined;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Runs `work`, again and again during an outage. `dropped`: given up because of `lost` or `stopping`. `expired`: held for
   * as long as may be. Throws what the work throws for reasons of its own.
   */
  async run(held: HeldWork): Promise<'done' | 'dropped' | 'expired'> {
    const { lost } = held;
    const { holdLimit, stopping } = this.#options;
    const deadline = Date.now() + holdLimit;
    for (;;) {
      while (this.#trial !== undefined) await this.#trial;
      if (!this.#isOpen) {
        if (await this.#try(held)) return 'done';
      } else {
        if (lost.aborted || stopping.aborted) return 'dropped';
        if (Date.now() > deadline) return 'expired';
        const trial = this.#tryAfterPause(held, AbortSignal.any([lost, stopping]));
        this.#trial = trial.catch(() => undefined).finally(() => (this.#trial = undefined));
        if (await trial) return 'done';
        // Its turn is over: those that wait for this trial come first.
        await this.#trial;
      }
    }
  }

  async #tryAfterPause(held: HeldWork, signal: AbortSignal): Promise<boolean> {
    await pause(backOff(this.#failures++, PROBE_PAUSE), signal);
    return !signal.aborted && (await this.#try(held));
  }

  /** Whether it was done; false in an outage. */
  async #try({ work, isOutage }: HeldWork): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      if (!isOutage(error)) {
        this.#close();
        throw error;
      }
      if (!this.#isOpen) this.#options.onOpen(error);
      this.#isOpen = true;
      return false;
    }
    this.#options.onSuccess();
    this.#close();
    return true;
  }

  #close(): void {
    if (this.#isOpen) this.#options.onClose();
    this.#isOpen = false;
    this.#failures = 0;
  }
}
