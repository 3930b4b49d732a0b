import { RateLimited } from '@shop/common/errors';
import { clientKey, type Client, type ServiceAnswer } from '@shop/common/http';
import pLimit, { type LimitFunction } from 'p-limit';
import type { AnswerSize } from './answer-size.js';

export interface UpstreamLimits {
  /** Calls of services that one request makes at once; further ones wait. */
  readonly perRequest: number;
  /** The same of all requests of one account, or of one address without an account. */
  readonly perClient: number;
}

/** What one request has services do. */
export interface UpstreamWork {
  /** Calls when it is the request's and its client's turn. Throws TooLargeAnswer when the request has read enough. */
  run<T>(call: () => Promise<ServiceAnswer<T>>): Promise<ServiceAnswer<T>>;
}

/** Calls of one client that may wait. Each has the time limit of its request, so that none waits longer. */
const MAX_WAITING = 500;

/** The calls of services that this process makes, by whom it makes them for. */
export class Upstream {
  readonly #limits: UpstreamLimits;
  readonly #clients = new Map<string, { readonly limit: LimitFunction; calls: number }>();

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  ofRequest(client: Client, size: Pick<AnswerSize, 'refuseMore' | 'addRead'>): UpstreamWork {
    // Made by the first call: there is none where the schema or a cache has the answer.
    let turns: { key: string; limit: LimitFunction } | undefined;
    return {
      run: (call) => {
        const { key, limit } = (turns ??= { key: clientKey(client), limit: pLimit(this.#limits.perRequest) });
        return limit(() =>
          this.#ofClient(key, async () => {
            size.refuseMore();
            const answer = await call();
            size.addRead(answer.size);
            return answer;
          }),
        );
      },
    };
  }

  async #ofClient<T>(client: string, call: () => Promise<T>): Promise<T> {
    const turns = this.#clients.get(client) ?? { limit: pLimit(this.#limits.perClient), calls: 0 };
    if (turns.calls >= this.#limits.perClient + MAX_WAITING) throw new RateLimited(1);
    this.#clients.set(client, turns);
    turns.calls++;
    try {
      return await turns.limit(call);
    } finally {
      turns.calls--;
      if (turns.calls === 0) this.#clients.delete(client);
    }
  }
}
