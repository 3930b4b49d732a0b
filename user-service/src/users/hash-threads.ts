import path from 'node:path';
import { Worker } from 'node:worker_threads';

/** To hash a password at a cost, or to compare it with a hash. */
export type HashTask = { password: string } & ({ cost: number; hash?: undefined } | { cost?: undefined; hash: string });

/** What a thread is told when it starts. */
export interface HashThreadData {
  priority: number;
}

// The compiled one beside the compiled, the source beside the source, as tests run it.
const program = new URL(`./hash-worker${path.extname(import.meta.filename)}`, import.meta.url);

/**
 * bcrypt on threads of its own, which can have a lower priority than all that answers requests. In libuv's pool, where
 * bcrypt's asynchronous functions work, it would compete with that. (Piscina needs a native addon for priorities.)
 * Threads are made when they are needed first; how many work at once is the caller's to bound.
 */
export class HashThreads {
  readonly #data: HashThreadData;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  /** `priority`: of each thread, as os.setPriority has it. */
  constructor({ priority }: { priority: number }) {
    this.#data = { priority };
  }

  async hash(password: string, cost: number): Promise<string> {
    return String(await this.#run({ password, cost }));
  }

  async compare(password: string, hash: string): Promise<boolean> {
    return (await this.#run({ password, hash })) === true;
  }

  /** Ends all threads; what they work on fails. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #run(task: HashTask): Promise<unknown> {
    const worker = this.#idle.pop() ?? this.#start();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        worker.removeListener('message', succeed).removeListener('error', fail).removeListener('exit', fail);
        settle();
      };
      const succeed = (result: unknown): void => {
        this.#idle.push(worker);
        end(() => resolve(result));
      };
      // A thread that fails has ended, or is about to; another one takes its place.
      const fail = (cause: unknown): void => {
        this.#all.delete(worker);
        end(() => reject(new Error('the hashing thread has ended', { cause })));
      };
      worker.once('message', succeed).once('error', fail).once('exit', fail);
      worker.postMessage(task);
    });
  }

  #start(): Worker {
    const worker = new Worker(program, { workerData: this.#data });
    // It is no reason for the process to go on.
    worker.unref();
    this.#all.add(worker);
    return worker;
  }
}
