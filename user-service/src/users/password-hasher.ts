import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import { Gate } from './gate.js';

const HASHES_PER_CORE = 2;
/** Of the four threads that Node has for such work one stays free: new database connections and files need it, too. */
const MAX_HASHES = 3;
const MAX_WAIT_MS = 2_000;
const MAX_WAITING = 200;

/**
 * Hashes passwords with bcrypt, off the main thread and only so many at a time: log-in is the cheapest way to stop a
 * system. Throws ServiceUnavailable when a hash can't be begun in 2 s.
 */
export class PasswordHasher {
  readonly #cost: number;
  readonly #dummy: string;
  readonly #gate: Gate;

  private constructor({ cost, dummy, gate }: { cost: number; dummy: string; gate: Gate }) {
    this.#cost = cost;
    this.#dummy = dummy;
    this.#gate = gate;
  }

  static async create({
    cost,
    gate = new Gate({
      atOnce: Math.min(HASHES_PER_CORE * availableParallelism(), MAX_HASHES),
      maxWait: MAX_WAIT_MS,
      maxWaiting: MAX_WAITING,
    }),
  }: {
    cost: number;
    gate?: Gate;
  }): Promise<PasswordHasher> {
    const dummy = await bcrypt.hash(randomBytes(32).toString('base64'), cost);
    return new PasswordHasher({ cost, dummy, gate });
  }

  async hash(password: string): Promise<string> {
    return this.#gate.pass(() => bcrypt.hash(password, this.#cost));
  }

  /** Whether it is the hash's password. Without a hash the answer is no, and takes as long. */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    const isMatch = await this.#gate.pass(() => bcrypt.compare(password, hash ?? this.#dummy));
    return isMatch && hash !== undefined;
  }
}
