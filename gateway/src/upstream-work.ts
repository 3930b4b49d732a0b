import { RateLimited } from '@shop/common/errors';
import { clientKey, type Client, type ServiceAnswer } from '@shop/common/http';
import type { AnswerSize } from './answer-size.js';
import { Semaphore } from './semaphore.js';

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
  readonly #clients = new Map<string, Semaphore>();

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  ofRequest(client: Client, size: Pick<AnswerSize, 'refuseMore' | 'addRead'>): UpstreamWork {
    const semaphore = new Semaphore(this.#limits.perRequest);
    // Made by the first call: there is none where the schema or a cache has the answer.
    let key: string | undefined;
    return {
      run: async (call) => {
        key ??= clientKey(client);
        const turn = semaphore.acquire();
        if (turn !== undefined) await turn;
        try {
          const ofClient = await this.#acquireOf(key);
          try {
            size.refuseMore();
            const answer = await call();
            size.addRead(answer.size);
            return answer;
          } finally {
            ofClient.release();
            if (ofClient.isIdle) this.#clients.delete(key);
          }
        } finally {
          semaphore.release();
        }
      },
    };
  }

  /** Throws RateLimited where too many wait already. */
  async #acquireOf(client: string): Promise<Semaphore> {
    let semaphore = this.#clients.get(client);
    if (semaphore === undefined) this.#clients.set(client, (semaphore = new Semaphore(this.#limits.perClient)));
    if (semaphore.waiting >= MAX_WAITING) throw new RateLimited(1);
    const turn = semaphore.acquire();
    if (turn !== undefined) await turn;
    return semaphore;
  }
}
