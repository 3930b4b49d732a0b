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
  /** Lookups that wait for a connection that another one has asked for. */
  #joined = 0;

  /** Queries that wait for a connection. */
  get waiting(): number {
    return this.waitingCount + this.#joined;
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
    if (this.#batch?.isOpen === true) {
      if (this.#batch.waiting > 0) this.#joined += 1;
      return this.#batch.run<Row>(query, rows);
    }
    const batch = (this.#batch = new LookupBatch());
    const result = batch.run<Row>(query, rows); // before it starts: a pool that has ended says so at once
    this.connect((error, client, done) => {
      this.served += batch.waiting - 1;
      this.#joined -= batch.waiting - 1;
      batch.start(error, client, done);
    });
    return result;
  }
}
