// Steady requests over connections that are kept: each connection waits for its answer, and asks the next at its time.
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { TIMEOUT } from '@shop/testing';

const CONNECTIONS = 20;

export interface LoadRequest {
  method: string;
  path: string;
  token?: string;
  body?: object;
  /** What an answer must be; and, of a write, what has been promised by it. */
  check(answer: LoadAnswer): void;
}

export interface LoadAnswer {
  status: number;
  // What an answer holds is what the tests are there to find out.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export class Load {
  #answered = 0;
  readonly failures: string[] = [];
  readonly #stopped = new AbortController();
  readonly #connections: Promise<void>[];

  /** `next` makes the requests of a connection, which is known by its number. */
  constructor(options: { url: string; perSecond: number; next: (connection: number) => LoadRequest }) {
    this.#connections = Array.from({ length: CONNECTIONS }, (_, connection) => this.#use(connection, options));
  }

  static readonly connections = CONNECTIONS;

  /** Resolves once so many more have been answered. */
  async answers(count: number): Promise<void> {
    const wanted = this.#answered + count;
    while (this.#answered < wanted) {
      if (this.failures.length > count) throw new Error(this.failures.slice(0, 5).join('\n'));
      await delay(50);
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#connections);
  }

  async #use(
    connection: number,
    { url, perSecond, next }: { url: string; perSecond: number; next: (connection: number) => LoadRequest },
  ): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const pause = (1_000 * CONNECTIONS) / perSecond;
    let due = performance.now() + (pause * connection) / CONNECTIONS;
    while (!this.#stopped.signal.aborted) {
      const wanted = next(connection);
      try {
        let answer = await send(url, wanted, agent);
        for (; isTurnedAway(answer); answer = await send(url, wanted, agent)) await delay(pause);
        wanted.check(answer);
        this.#answered += 1;
      } catch (error) {
        this.failures.push(
          `${wanted.method} ${wanted.path}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      due = Math.max(due + pause, performance.now() - pause);
      await delay(Math.max(0, due - performance.now()));
    }
    agent.destroy();
  }
}

/** There is more to do on this machine than it can do: nothing was begun, so clients ask again. */
const isTurnedAway = ({ status, body }: LoadAnswer): boolean =>
  status === 503 && String((body.error ?? body.errors?.[0])?.message).startsWith('Too busy');

const send = (url: string, { method, path, token, body }: LoadRequest, agent: Agent): Promise<LoadAnswer> =>
  new Promise((resolve, reject) => {
    const content = body && JSON.stringify(body);
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(content !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content),
      }),
    };
    const outgoing = request(url + path, { method, headers, agent, timeout: TIMEOUT }, (response) => {
      text(response)
        .then((answer) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) }))
        .catch(reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject);
    outgoing.end(content);
  });
