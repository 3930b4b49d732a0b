import { backOff, pause } from '../rabbitmq/index.js';

const PROBE_PAUSE = { first: 100, most: 2_000 };

export interface OutageOptions {
  /** Whether an error means that what the work needs can't be reached at present. */
  isUnavailable: (error: unknown) => boolean;
  /** Milliseconds that one piece of work is held at most. */
  holdLimit: number;
  /** Lets go of everything that is held. */
  stopping: AbortSignal;
  /** Something can't be reached from now on; told once an outage. */
  onBegin: (error: unknown) => void;
  /** It can be reached again. */
  onEnd: () => void;
}

/**
 * Holds work back while what it needs can't be reached. Of all that is held one piece at a time is tried, with growing
 * pauses of two seconds at most, so that they don't storm what is just coming back. When that one succeeds, or fails for
 * another reason, all go on.
 */
export class Outage {
  readonly #options: OutageOptions;
  #isOn = false;
  #failures = 0;
  #trial: Promise<unknown> | undefined;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /**
   * Runs `work`, again and again while what it needs can't be reached. `dropped`: given up because of `lost` or
   * `stopping`. `expired`: held for as long as may be. Throws what the work throws for other reasons.
   */
  async run(work: () => Promise<void>, lost: AbortSignal): Promise<'done' | 'dropped' | 'expired'> {
    const { holdLimit, stopping } = this.#options;
    const deadline = Date.now() + holdLimit;
    for (;;) {
      while (this.#trial !== undefined) await this.#trial;
      if (!this.#isOn) {
        if (await this.#try(work)) return 'done';
      } else {
        if (lost.aborted || stopping.aborted) return 'dropped';
        if (Date.now() > deadline) return 'expired';
        const trial = this.#tryAfterPause(work, AbortSignal.any([lost, stopping]));
        this.#trial = trial.catch(() => undefined).finally(() => (this.#trial = undefined));
        if (await trial) return 'done';
      }
    }
  }

  async #tryAfterPause(work: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    await pause(backOff(this.#failures++, PROBE_PAUSE), signal);
    return !signal.aborted && (await this.#try(work));
  }

  /** Whether what it needs could be reached. */
  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#end();
      return true;
    } catch (error) {
      if (!this.#options.isUnavailable(error)) {
        this.#end();
        throw error;
      }
      if (!this.#isOn) this.#options.onBegin(error);
      this.#isOn = true;
      return false;
    }
  }

  #end(): void {
    if (this.#isOn) this.#options.onEnd();
    this.#isOn = false;
    this.#failures = 0;
  }
}
