import { transientFailureOf } from '../database/index.js';
import type { Logger } from '../logger/index.js';
import { WakeUp } from '../messaging/index.js';

const FAILURE_PAUSE = 5_000;

interface BackgroundWorkerOptions {
  /** What it does, for the log. */
  name: string;
  /** Does a bounded part of what is due. True: there may be more of it, to be done at once. */
  work: () => Promise<boolean>;
  /** Milliseconds between two looks at what is due. */
  poll: number;
  logger: Logger;
}

/**
 * Does what nobody waits for, part by part, until it is stopped. Failures are logged, and tried again after 5 s; that its
 * database can't do its work is reported once, until it can again. Several processes may run the same one: that they do nothing
 * twice is the business of `work`.
 */
export class BackgroundWorker {
  readonly #options: BackgroundWorkerOptions;
  readonly #stopping = new AbortController();
  readonly #wakeUp = new WakeUp();
  #isWaiting = false;
  #running: Promise<void> | undefined;

  constructor(options: BackgroundWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Something is due now: don't wait for the next look. */
  wake(): void {
    this.#wakeUp.call();
  }

  /** Finishes the part in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { work, poll } = this.#options;
    while (!this.#stopping.signal.aborted) {
      let pause = poll;
      try {
        const isMore = await work();
        this.#noteSuccess();
        if (isMore) continue;
      } catch (error) {
        this.#noteFailure(error);
        pause = Math.max(poll, FAILURE_PAUSE);
      }
      // Half of it by chance, so that several processes don't work in step.
      await this.#wakeUp.within(pause / 2 + (pause / 2) * Math.random());
    }
  }

  #noteSuccess(): void {
    const { name: worker, logger } = this.#options;
    if (this.#isWaiting) logger.info('background work goes on', { worker });
    this.#isWaiting = false;
  }

  #noteFailure(err: unknown): void {
    const { name: worker, logger } = this.#options;
    if (transientFailureOf(err) === undefined) {
      logger.error('background work failed', { worker, err });
    } else if (!this.#isWaiting) {
      this.#isWaiting = true;
      logger.warn('background work waits for its database', { worker, err });
    }
  }
}
