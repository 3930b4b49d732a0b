import { availableParallelism, constants } from 'node:os';
import bcrypt from 'bcrypt';
import { Gate, type GateFigures } from './gate.js';
import { HashThreads } from './hash-threads.js';

const { PRIORITY_NORMAL, PRIORITY_BELOW_NORMAL } = constants.priority;
/** From here on a hash takes long enough to be in the way of others. */
const STRONG_COST = 10;
/** Each thread takes some megabytes. */
const MAX_HASHES = 8;
const MAX_WAIT_MS = 2_000;
const MAX_WAITING = 200;
/** The characters of bcrypt's digest. */
const DIGEST_LENGTH = 31;

/** A hash of no password; comparing with it takes what its cost takes. */
const dummyHash = (cost: number): string => bcrypt.genSaltSync(cost) + '.'.repeat(DIGEST_LENGTH);

/**
 * Hashes passwords with bcrypt, on threads of low priority and one a core at a time: log-in is the cheapest way to stop a
 * system. Throws ServiceUnavailable when a hash can't be begun in 2 s.
 */
export class PasswordHasher {
  readonly #cost: number;
  readonly #gate: Gate;
  readonly #threads: HashThreads;

  constructor({
    cost,
    gate = new Gate({
      atOnce: Math.min(availableParallelism(), MAX_HASHES),
      maxWait: MAX_WAIT_MS,
      maxWaiting: MAX_WAITING,
    }),
  }: {
    cost: number;
    gate?: Gate;
  }) {
    this.#cost = cost;
    this.#gate = gate;
    this.#threads = new HashThreads({ priority: cost < STRONG_COST ? PRIORITY_NORMAL : PRIORITY_BELOW_NORMAL });
  }

  /** Of those that are let in, those that wait, and those that were sent away. */
  get figures(): GateFigures {
    return this.#gate.figures;
  }

  async hash(password: string): Promise<string> {
    return this.#gate.pass(() => this.#threads.hash(password, this.#cost));
  }

  /**
   * Whether it is the hash's password. Without a hash the answer is no, and takes the same work: 2^cost rounds. So it
   * does with a hash of a lower cost c, since 2^c + 2^c + 2^(c+1) + ... + 2^(cost-1) = 2^cost.
   */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    return this.#gate.pass(async () => {
      const isMatch = await this.#threads.compare(password, hash ?? dummyHash(this.#cost));
      const spent = hash === undefined ? this.#cost : bcrypt.getRounds(hash);
      for (let cost = spent; cost < this.#cost; cost++) await this.#threads.compare(password, dummyHash(cost));
      return isMatch && hash !== undefined;
    });
  }

  /** Whether a hash has another cost than hashes are given now. */
  isOutdated(hash: string): boolean {
    return bcrypt.getRounds(hash) !== this.#cost;
  }

  async close(): Promise<void> {
    await this.#threads.close();
  }
}
