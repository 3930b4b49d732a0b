import { sqltag as sql } from '@prisma/client/runtime/client';
import type { DatabaseClient } from './atomic-store.js';

/** Milliseconds for which a reading is carried on by the process's monotonic clock, which nobody sets. */
const MAX_AGE = 1_000;
/** Milliseconds by which readings may differ since their questions took long; more, and the database was set back. */
const MAX_STEP = 5_000;

/**
 * The database's time: what money depends on doesn't go by the clock of whatever machine a process runs on. Asked once a
 * second at most; off by half of what the question took. It doesn't go back where a better reading is earlier: what happens
 * later has no earlier time.
 */
export class DatabaseClock {
  readonly #client: Pick<DatabaseClient, '$queryRaw'>;
  readonly #monotonic: () => number;
  #reading: { databaseTime: number; at: number } | undefined;
  #question: Promise<void> | undefined;
  #latest = 0;

  /** `monotonic`: milliseconds, as of `performance.now()`. */
  constructor({
    client,
    monotonic = () => performance.now(),
  }: {
    client: Pick<DatabaseClient, '$queryRaw'>;
    monotonic?: () => number;
  }) {
    this.#client = client;
    this.#monotonic = monotonic;
  }

  /** Rejects when the database can't be asked. */
  async now(): Promise<Date> {
    let reading = this.#reading;
    if (reading === undefined || this.#monotonic() - reading.at > MAX_AGE) {
      this.#question ??= this.#ask().finally(() => (this.#question = undefined));
      await this.#question;
      reading = this.#reading;
    }
    if (reading === undefined) throw new Error('the database has reported no time');
    const time = reading.databaseTime + this.#monotonic() - reading.at;
    this.#latest = this.#latest - time > MAX_STEP ? time : Math.max(this.#latest, time);
    return new Date(this.#latest);
  }

  async #ask(): Promise<void> {
    const sent = this.#monotonic();
    const [{ now }] = await this.#client.$queryRaw<[{ now: Date }]>(sql`SELECT clock_timestamp() AS now`);
    this.#reading = { databaseTime: now.getTime(), at: (sent + this.#monotonic()) / 2 };
  }
}
