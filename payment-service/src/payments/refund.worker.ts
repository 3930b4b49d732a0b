import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@shop/common/logger';
import type { RefundService } from './refund.service.js';

const POLL = 1_000;
const FAILURE_PAUSE = 5_000;

/** Carries out refunds that nobody waits for: those of cancelled orders, and what a crash or a silent provider left over. */
export class RefundWorker {
  readonly #refunds: RefundService;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #sleep = new AbortController();
  #isWoken = false;
  #running: Promise<void> | undefined;

  constructor({ refunds, logger }: { refunds: RefundService; logger: Logger }) {
    this.#refunds = refunds;
    this.#logger = logger;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** A refund is due now: don't wait for the next poll. */
  wake(): void {
    this.#isWoken = true;
    this.#sleep.abort();
  }

  /** Finishes the refunds in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#isWoken = false;
      let pause = POLL;
      try {
        if (await this.#refunds.carryOutDue()) continue;
      } catch (err) {
        this.#logger.error('refunds not carried out', { err });
        pause = FAILURE_PAUSE;
      }
      // Half of it by chance, so that several processes don't ask in step.
      await this.#rest(pause / 2 + (pause / 2) * Math.random());
    }
  }

  async #rest(pause: number): Promise<void> {
    if (this.#isWoken) return;
    this.#sleep = new AbortController();
    await delay(pause, undefined, { signal: this.#sleep.signal }).catch(() => undefined);
  }
}
