import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@shop/common/logger';
import type { Verdict } from '../payment-provider.js';
import { signatureOf } from '../webhook-signature.js';

/** Milliseconds that the receiver has to answer. */
const TIMEOUT = 2_000;
/** Milliseconds before each try after the first one. */
const RETRY_PAUSES = [500, 1_000, 2_000, 4_000] as const;
/** Webhooks that wait or are under way; a real provider would keep its own in a database. */
const MAX_OPEN = 1_000;

/** What a webhook tells. */
export interface SimulatedMessage {
  readonly kind: 'charge' | 'refund';
  readonly key: string;
  readonly verdict: Verdict;
}

export interface SimulatedWebhookSenderOptions {
  /** Asked when it is needed: the receiver may be the service itself, which doesn't listen yet. */
  url: () => string;
  secret: Buffer;
  clock: () => Date;
  logger: Logger;
}

/** Sends the simulated provider's webhooks, each until it is taken or five tries have failed. */
export class SimulatedWebhookSender {
  readonly #options: SimulatedWebhookSenderOptions;
  readonly #stopping = new AbortController();
  readonly #open = new Set<Promise<void>>();

  constructor(options: SimulatedWebhookSenderOptions) {
    this.#options = options;
  }

  /** Resolves when the receiver has answered to the first try; further ones, if need be, follow on their own. */
  async sendNow(message: SimulatedMessage): Promise<void> {
    if (!(await this.#isTaken(message)))
      this.sendLater(message, RETRY_PAUSES[0], () => Promise.resolve(message.verdict));
  }

  /** After so many milliseconds, with the verdict that there is by then; without one nothing is sent. Nobody waits for it. */
  sendLater(
    { kind, key }: Omit<SimulatedMessage, 'verdict'>,
    delay: number,
    verdictOf: () => Promise<Verdict | undefined>,
  ): void {
    if (this.#open.size >= MAX_OPEN) {
      this.#options.logger.warn('too many open webhooks: one is left out', { kind, key });
      return;
    }
    const sending = this.#send({ kind, key }, delay, verdictOf)
      .catch((err: unknown) => this.#options.logger.warn('webhook given up on', { kind, key, err }))
      .finally(() => this.#open.delete(sending));
    this.#open.add(sending);
  }

  /** Lets go of what is still open, as a provider's crash would. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#open);
  }

  async #send(
    { kind, key }: Omit<SimulatedMessage, 'verdict'>,
    delay: number,
    verdictOf: () => Promise<Verdict | undefined>,
  ): Promise<void> {
    for (const wait of [delay, ...RETRY_PAUSES]) {
      const isOver = await pause(wait, false, { signal: this.#stopping.signal }).catch(() => true);
      if (isOver) return;
      const verdict = await verdictOf();
      if (verdict === undefined || (await this.#isTaken({ kind, key, verdict }))) return;
    }
    this.#options.logger.warn('webhook given up on', { kind, key });
  }

  async #isTaken({ kind, key, verdict }: SimulatedMessage): Promise<boolean> {
    const { url, secret, clock, logger } = this.#options;
    const { outcome, amount, ...facts } = verdict;
    const now = clock();
    const data = { key, amount: Number(amount), ...facts };
    const body = Buffer.from(JSON.stringify({ type: `${kind}.${outcome}`, timestamp: now.toISOString(), data }));
    const id = `msg_${kind}_${key}`;
    const timestamp = String(Math.floor(now.getTime() / 1_000));
    try {
      const response = await fetch(url(), {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'Webhook-Id': id,
          'Webhook-Timestamp': timestamp,
          'Webhook-Signature': `v1,${signatureOf({ id, timestamp, body }, secret)}`,
        },
        body,
        redirect: 'error',
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(TIMEOUT)]),
      });
      await response.body?.cancel();
      if (response.ok) return true;
      logger.warn('webhook refused', { kind, key, status: response.status });
    } catch (err) {
      if (!this.#stopping.signal.aborted) logger.warn('webhook not delivered', { kind, key, err });
    }
    return false;
  }
}
