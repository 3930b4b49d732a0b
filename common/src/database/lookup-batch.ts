import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';

/** Beyond so many rows that are to be found, others are found sooner on another connection. */
const MAX_ROWS = 64;
/** Milliseconds for which it takes more: what holds up one statement, or its connection, holds up none that come later. */
const OPEN_TIME = 20;

interface Waiting {
  readonly send: (client: PoolClient) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Statements that share a connection of the pool for a moment. Each is sent without waiting for the answers to those before
 * it, those of one turn of the event loop with one write; the connection goes back with the last answer.
 */
export class LookupBatch {
  readonly #waiting: Waiting[] = [];
  readonly #onEnd: (left: number) => void;
  #client: PoolClient | undefined;
  #giveBack: (isBroken: boolean) => void = () => undefined;
  #openUntil = Infinity;
  #unanswered = 0;
  #rows = 0;
  #isCorked = false;
  #hasFailed = false;

  /** `onEnd`: called as each of them ends, with how many are left. */
  constructor(onEnd: (left: number) => void) {
    this.#onEnd = onEnd;
  }

  get isOpen(): boolean {
    return this.#rows < MAX_ROWS && performance.now() < this.#openUntil;
  }

  /** With its connection, or why there is none. */
  start(error: Error | undefined, client: PoolClient | undefined, giveBack: (isBroken: boolean) => void): void {
    if (client === undefined) {
      this.#openUntil = 0;
      for (const { fail } of this.#waiting.splice(0)) {
        this.#onEnd(--this.#unanswered);
        fail(error ?? new Error('the pool gave no connection'));
      }
      return;
    }
    this.#client = client;
    this.#giveBack = giveBack;
    this.#openUntil = performance.now() + OPEN_TIME;
    for (const { send } of this.#waiting.splice(0)) send(client);
  }

  /** `rows`: how many it finds at most. */
  run<Row extends QueryResultRow>(query: QueryConfig, rows: number): Promise<QueryResult<Row>> {
    this.#unanswered += 1;
    this.#rows += rows;
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const send = (client: PoolClient): void => {
        this.#cork(client);
        client.query<Row>(query, (error: Error | null, result) => {
          if (isAnswered) return; // pg may say twice that a query failed
          isAnswered = true;
          this.#answered(error, rows);
          if (error === null) resolve(result);
          else reject(error);
        });
      };
      if (this.#client === undefined) this.#waiting.push({ send, fail: reject });
      else send(this.#client);
    });
  }

  #answered(error: Error | null, rows: number): void {
    this.#onEnd(--this.#unanswered);
    this.#rows -= rows;
    // Statements behind a failed one may miss what it should have prepared: the connection is replaced.
    if (error !== null) this.#hasFailed = true;
    if (this.#hasFailed || this.#unanswered === 0) this.#openUntil = 0;
    if (this.#unanswered === 0) this.#giveBack(this.#hasFailed);
  }

  /** Keeps what is written back until this turn of the event loop has ended. */
  #cork({ connection: { stream } }: PoolClient): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    stream.cork();
    setImmediate(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }
}
