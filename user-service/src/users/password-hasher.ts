import { availableParallelism, constants } from 'node:os';
import bcrypt from 'bcrypt';
import { HashingQueue, type GateMetrics } from './hashing-queue.js';
import { HashThreads } from './hash-threads.js';

const { PRIORITY_NORMAL, PRIORITY_LOW } = constants.priority;
/** From here on a hash takes long enough to be in the way of others. */
const STRONG_COST = 10;
/** Each thread takes some megabytes. */
const MAX_HASHES = 8;
/**
 * One core is left to all else: a priority ranks a process's own threads, and other processes not everywhere. The others are
 * shared with the other processes of this service.
 */
const hashesAtOnce = (processes: number): number =>
  Math.max(1, Math.min(Math.floor((availableParallelism() - 1) / processes), MAX_HASHES));
const MAX_WAIT_MS = 3_000;
const MAX_WAITING = 200;
/** The characters of bcrypt's digest. */
const DIGEST_LENGTH = 31;

/** A hash of no password; comparing with it takes what its cost takes. */
const dummyHash = (cost: number): string => bcrypt.genSaltSync(cost) + '.'.repeat(DIGEST_LENGTH);

/**
 * Hashes passwords with bcrypt, few at a time and on threads of low priority: login is the cheapest way to stop a
 * system.
 */
export class PasswordHasher {
  readonly #cost: number;
  readonly #line: HashingQueue;
  readonly #threads: HashThreads;

  constructor({
    cost,
    processes = 1,
    atOnce = hashesAtOnce(processes),
    // One more than can hash: it asks the database meanwhile.
    line = new HashingQueue({ atOnce: atOnce + 1, maxWait: MAX_WAIT_MS, maxWaiting: MAX_WAITING }),
  }: {
    cost: number;
    /** Of this service, on this machine. */
    processes?: number | undefined;
    atOnce?: number;
    line?: HashingQueue;
  }) {
    this.#cost = cost;
    this.#line = line;
    const priority = cost < STRONG_COST ? PRIORITY_NORMAL : PRIORITY_LOW;
    this.#threads = new HashThreads({ count: atOnce, priority });
  }

  /** Of those that are hashed now, those that wait in line, and those that were sent away from it. */
  get metrics(): GateMetrics {
    return { ...this.#line.metrics, inside: this.#threads.busy };
  }

  /**
   * Does what needs a hash, from its first query to its last, when its turn has come: a burst is spread before it is any
   * work. Throws ServiceUnavailable when that takes too long.
   */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#line.pass(work);
  }

  async hash(password: string): Promise<string> {
    return this.#threads.hash(password, this.#cost);
  }

  /**
   * Whether it is the hash's password. Without a hash the answer is no, and takes the same work: 2^cost rounds. So it
   * does with a hash of a lower cost c, since 2^c + 2^c + 2^(c+1) + ... + 2^(cost-1) = 2^cost.
   */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    const isMatch = await this.#threads.compare(password, hash ?? dummyHash(this.#cost));
    const spent = hash === undefined ? this.#cost : bcrypt.getRounds(hash);
    for (let cost = spent; cost < this.#cost; cost++) await this.#threads.compare(password, dummyHash(cost));
    return isMatch && hash !== undefined;
  }

  /** The first of these forms of a password that is the hash's. Without a hash there is none, and it takes as long. */
  async findMatch(forms: readonly string[], hash: string | undefined): Promise<string | undefined> {
    for (const form of forms) if (await this.matches(form, hash)) return form;
    return undefined;
  }

  /** Whether a hash has another cost than hashes are given now. */
  isOutdated(hash: string): boolean {
    return bcrypt.getRounds(hash) !== this.#cost;
  }

  async close(): Promise<void> {
    await this.#threads.close();
  }
}
