import { CapacityExceeded } from '../errors/index.js';
import type { Count, Counts } from './window-counts.js';
import { toWorker, type ToPrimary, type ToWorker } from './worker-messages.js';

/** Milliseconds that the primary has to answer; it does nothing that takes one. */
const ANSWER_TIMEOUT = 3_000;

interface Counting {
  readonly entry: [key: string, units: number];
  readonly resolve: (count: Count) => void;
  readonly reject: (error: unknown) => void;
}

/** The channel to the primary: the part of `process` that is used of it. */
export interface Channel {
  send?(message: ToPrimary): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** The other workers of a service, as one of them sees them: what they count and measure they share, through their primary. */
export class Siblings implements Counts {
  /** From 1; a worker that takes the place of one that ended has its number. */
  readonly number: number;
  readonly #channel: Channel;
  readonly #unanswered = new Map<number, (answer: Exclude<ToWorker, { type: 'collect' }> | Error) => void>();
  #lastId = 0;
  #waiting: Counting[] = [];
  #ownMetrics: () => Promise<string> = () => Promise.resolve('');

  constructor({ number, channel }: { number: number; channel: Channel }) {
    this.number = number;
    this.#channel = channel;
    channel.on('message', (message) => this.#receive(message));
  }

  /** Counts in all workers together. What is counted in one turn of the event loop goes to the primary in one message. */
  add(key: string, units: number): Promise<Count> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#sendCounts());
      this.#waiting.push({ entry: [key, units], resolve, reject });
    });
  }

  /** Where the metrics of this worker come from, for whichever is asked for those of all. */
  shareMetrics(own: () => Promise<string>): void {
    this.#ownMetrics = own;
  }

  /** The metrics of each worker that answers. */
  async metricsOfAll(): Promise<readonly string[]> {
    const answer = await this.#ask((id) => ({ type: 'metrics', id }));
    return answer.type === 'metrics' ? answer.texts : [];
  }

  /** Tells the primary that this worker serves. */
  reportReady(): void {
    this.#channel.send?.({ type: 'ready' });
  }

  #sendCounts(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#ask((id) => ({ type: 'count', id, entries: waiting.map(({ entry }) => entry) })).then(
      (answer) => {
        const counts = answer.type === 'counted' ? answer.counts : [];
        waiting.forEach(({ resolve, reject }, index) => {
          const count = counts[index];
          if (count === undefined) reject(new CapacityExceeded('Too busy, try again shortly'));
          else resolve(count);
        });
      },
      (error: unknown) => waiting.forEach(({ reject }) => reject(error)),
    );
  }

  #ask(question: (id: number) => ToPrimary): Promise<Exclude<ToWorker, { type: 'collect' }>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#unanswered.get(id)?.(new CapacityExceeded('Too busy, try again shortly'));
      }, ANSWER_TIMEOUT);
      this.#unanswered.set(id, (answer) => {
        clearTimeout(timer);
        this.#unanswered.delete(id);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
      this.#channel.send?.(question(id));
    });
  }

  #receive(received: unknown): void {
    const { success, data: message } = toWorker.safeParse(received);
    if (!success) return; // other parts of a process may use the channel, too
    if (message.type !== 'collect') {
      this.#unanswered.get(message.id)?.(message);
      return;
    }
    this.#ownMetrics().then(
      (text) => this.#channel.send?.({ type: 'collected', id: message.id, text }),
      () => this.#channel.send?.({ type: 'collected', id: message.id, text: '' }),
    );
  }
}
