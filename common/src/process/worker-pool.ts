import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WindowCounts } from './window-counts.js';
import { toPrimary, type ToWorker } from './worker-messages.js';

const RESTART_PAUSE = { first: 500, most: 30_000 };
/** Milliseconds after which a worker that ends is not taken for one that can't start. */
const STEADY_AFTER = 60_000;
/** Milliseconds that workers have to say what they measure. */
const COLLECT_TIMEOUT = 2_000;

/** Has the fault in its log. */
export class WorkerFailed extends Error {
  override readonly name = 'WorkerFailed';
}

/** Called for each worker that ended by itself. */
type Report = (facts: { message: string; worker: number; code: number | null; signal: string | null }) => void;

/**
 * Several processes of one service on one port (node:cluster), this one their primary: it hands connections out in turn,
 * counts for all, and starts again what crashes, after pauses that grow from half a second to 30 s.
 */
export class WorkerPool {
  readonly #size: number;
  readonly #report: Report;
  readonly #counts = new WindowCounts();
  readonly #workers = new Map<number, Worker>();
  readonly #collecting = new Map<number, (text: string) => void>();
  readonly #stopping = new AbortController();
  #lastId = 0;
  #isStarted = false;
  #keeping: Promise<void>[] = [];

  constructor({ size, report }: { size: number; report: Report }) {
    this.#size = size;
    this.#report = report;
  }

  /** Resolves once all serve. Throws WorkerFailed, all stopped, when one of them can't start. */
  async start(): Promise<void> {
    const numbers = Array.from({ length: this.#size }, (_, index) => index + 1);
    const ready = Promise.all(
      numbers.map((number) => new Promise<void>((resolve) => this.#keeping.push(this.#keep(number, resolve)))),
    );
    try {
      await Promise.race([ready, Promise.all(this.#keeping)]);
      this.#isStarted = true;
    } catch (error) {
      await this.stop().catch(() => undefined); // what failed is said already
      throw error;
    }
  }

  /** Lets all workers finish their work and end. Throws WorkerFailed when one of them did not end as it should. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const worker of this.#workers.values()) worker.process.kill('SIGTERM');
    const failure = (await Promise.allSettled(this.#keeping)).find(({ status }) => status === 'rejected');
    if (failure?.status === 'rejected') throw failure.reason;
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #keep(number: number, onReady: () => void): Promise<void> {
    for (let failures = 0; !this.#isStopping(); failures++) {
      const started = performance.now();
      const { code, signal } = await this.#run(number, onReady);
      if (this.#isStopping() && code === 0) return;
      if (this.#isStopping() || !this.#isStarted) {
        throw new WorkerFailed(`worker ${number} ended with ${signal ?? code}`);
      }
      this.#report({ message: 'worker ended, another one takes its place', worker: number, code, signal });
      if (performance.now() - started > STEADY_AFTER) failures = 0;
      const pause = Math.min(RESTART_PAUSE.most, RESTART_PAUSE.first * 2 ** failures);
      await delay(pause, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #run(number: number, onReady: () => void): Promise<{ code: number | null; signal: string | null }> {
    const worker = cluster.fork({ WORKER_NUMBER: String(number) });
    this.#workers.set(number, worker);
    worker.on('message', (message: unknown) => void this.#answer(worker, message, onReady));
    const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
    this.#workers.delete(number);
    return { code, signal };
  }

  async #answer(worker: Worker, received: unknown, onReady: () => void): Promise<void> {
    const { success, data: message } = toPrimary.safeParse(received);
    if (!success) return;
    const { type } = message;
    if (type === 'ready') onReady();
    else if (type === 'collected') this.#collecting.get(message.id)?.(message.text);
    else if (type === 'metrics') this.#send(worker, { type, id: message.id, texts: await this.#collect() });
    else {
      const counts = message.entries.map(([key, units]) => this.#counts.add(key, units));
      this.#send(worker, { type: 'counted', id: message.id, counts });
    }
  }

  async #collect(): Promise<string[]> {
    const texts = await Promise.all([...this.#workers.values()].map((worker) => this.#metricsOf(worker)));
    return texts.filter((text) => text !== '');
  }

  /** Nothing where the worker does not answer in time: the others' metrics are not lost with it. */
  async #metricsOf(worker: Worker): Promise<string> {
    const id = ++this.#lastId;
    const text = await new Promise<string>((resolve) => {
      const timer = setTimeout(() => resolve(''), COLLECT_TIMEOUT);
      this.#collecting.set(id, (collected) => {
        clearTimeout(timer);
        resolve(collected);
      });
      this.#send(worker, { type: 'collect', id });
    });
    this.#collecting.delete(id);
    return text;
  }

  #send(worker: Worker, message: ToWorker): void {
    // One that is ending gets no answer, and needs none.
    if (worker.isConnected()) worker.send(message, () => undefined);
  }
}
