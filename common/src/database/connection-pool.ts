import pg, { type PoolClient, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import { LookupBatch } from './lookup-batch.js';

export type Acquired = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

/** A pool that also knows how long each wait for a connection was, in seconds, also of waits that failed; and that shares connections. */
export class ConnectionPool extends pg.Pool {
  onAcquire: ((seconds: number) => void) | undefined;
  /** How many waits have ended. */
  served = 0;
  #batch: LookupBatch | undefined;
  #batches = 0;
  #lookups = 0;

  /** Queries that wait for a connection, or for those that are before them on one that is shared. */
  get waiting(): number {
    return this.waitingCount + this.#lookups - this.#batches;
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: Acquired): void;
  override connect(callback?: Acquired): Promise<PoolClient> | undefined {
    const start = performance.now();
    const reported = () => {
      this.served += 1;
      this.onAcquire?.((performance.now() - start) / 1_000);
    };
    if (callback === undefined) return super.connect().finally(reported);
    super.connect((error, client, done) => {
      reported();
      callback(error, client, done);
    });
    return undefined;
  }

  /** Runs a statement that finds up to so many rows at once, on a connection that it shares with others. */
  lookup<Row extends QueryResultRow>(query: QueryConfig, rows: number): Promise<QueryResult<Row>> {
    this.#lookups += 1;
    if (this.#batch?.isOpen === true) return this.#batch.run<Row>(query, rows);
    this.#batches += 1;
    const batch = (this.#batch = new LookupBatch((left) => this.#ended(left)));
    const result = batch.run<Row>(query, rows); // before it starts: a pool that has ended says so at once
    this.connect((error, client, done) => batch.start(error, client, done));
    return result;
  }

  /** One of a batch has ended, so the turn of the next has come. */
  #ended(left: number): void {
    this.#lookups -= 1;
    if (left > 0) this.served += 1;
    else this.#batches -= 1;
  }
}
