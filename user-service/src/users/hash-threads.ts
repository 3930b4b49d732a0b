import path from 'node:path';
import { Worker } from 'node:worker_threads';

/** To hash a password at a cost, or to compare it with a hash. */
export type HashTask = { password: string } & ({ cost: number; hash?: undefined } | { cost?: undefined; hash: string });

/** What a thread gets when it starts. */
export interface HashThreadData {
  priority: number;
}

interface Job {
  task: HashTask;
  resolve: (result: unknown) => void;
  reject: (reason: Error) => void;
}

// The compiled one beside the compiled, the source beside the source, as tests run it.
const program = new URL(`./hash-worker${path.extname(import.meta.filename)}`, import.meta.url);

/**
 * bcrypt on threads of its own, which can have a lower priority than all that answers requests. In libuv's pool, where
 * bcrypt's asynchronous functions work, it would compete with that. (Piscina needs a native addon for priorities.)
 * So many tasks run at once, the others in their order; how many may wait is the caller's to bound.
 */
export class HashThreads {
  readonly #count: number;
  readonly #data: HashThreadData;
  /** Each thread with what it works on. */
  readonly #threads = new Map<Worker, Job | undefined>();
  readonly #waiting: Job[] = [];
  #isClosed = false;

  /** `priority`: of each thread, as os.setPriority has it. They start at once, so that the first task finds them there. */
  constructor({ count, priority }: { count: number; priority: number }) {
    this.#count = count;
    this.#data = { priority };
    for (let n = 0; n < count; n++) this.#start();
  }

  /** How many work. */
  get busy(): number {
    return [...this.#threads.values()].filter((job) => job !== undefined).length;
  }

  async hash(password: string, cost: number): Promise<string> {
    return String(await this.#run({ password, cost }));
  }

  async compare(password: string, hash: string): Promise<boolean> {
    return (await this.#run({ password, hash })) === true;
  }

  /** Ends all threads; what they work on fails, and what waits for them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the hashing threads are closed'));
    await Promise.all([...this.#threads.keys()].map((worker) => worker.terminate()));
  }

  #run(task: HashTask): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Error('the hashing threads are closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    const [job] = this.#waiting;
    if (job === undefined) return;
    const worker = this.#free();
    if (worker === undefined) return;
    this.#waiting.shift();
    this.#threads.set(worker, job);
    worker.ref();
    worker.postMessage(job.task);
  }

  #free(): Worker | undefined {
    for (const [worker, job] of this.#threads) if (job === undefined) return worker;
    // One that has ended is replaced when it is missed: a program that can't even start would be started again and again.
    return this.#threads.size < this.#count ? this.#start() : undefined;
  }

  #start(): Worker {
    const worker = new Worker(program, { workerData: this.#data });
    const lose = (cause: unknown): void => {
      const job = this.#threads.get(worker);
      if (!this.#threads.delete(worker)) return;
      job?.reject(new Error('the hashing thread has ended', { cause }));
      this.#next();
    };
    worker.on('message', (result: unknown) => {
      const job = this.#threads.get(worker);
      this.#threads.set(worker, undefined);
      worker.unref();
      job?.resolve(result);
      this.#next();
    });
    worker.on('error', lose).on('exit', lose);
    // Without work it is no reason for the process to go on.
    worker.unref();
    this.#threads.set(worker, undefined);
    return worker;
  }
}
