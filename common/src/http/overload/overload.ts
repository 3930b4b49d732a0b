import { QueueWait, type Queue } from './queue-wait.js';

/** What is seen of a process at one moment. */
export interface Sample {
  /** Milliseconds, of any clock that only goes forward. */
  readonly now: number;
  /** By how many milliseconds a timer came too late, as everything does then that the event loop has to do. */
  readonly lag: number;
  /** The part of the time since the last sample that the event loop was at work. */
  readonly utilization: number;
}

/** How long a wait must have been too long, or short enough again, in milliseconds: longer than a burst takes. */
const INTERVAL = 200;
/** And in how many samples: one long job, or a long collection of garbage, shows in one or two. */
const SAMPLES = 4;
/** How often a request waits for the event loop until its answer is sent: for itself, and for what it asks of others. */
const TURNS = 4;
/** From here on the event loop is at work all the time. */
const BUSY = 0.95;
/** More time between two samples is time in which the process was frozen or did one thing alone: then no queue can move. */
const LONGEST_STEP = 100;

/**
 * Decides when a process has more to do than it can, as CoDel does: not by how many requests there are, but by how long one
 * has to wait. Only a wait that was above `target` milliseconds in every sample of an interval is overload; it ends once all
 * samples of an interval are below half of that.
 */
export class Overload {
  readonly #target: number;
  readonly #queues: readonly { readonly wait: QueueWait; readonly needsBusyLoop: boolean }[];
  #last: Sample | undefined;
  #isOver = false;
  /** The samples that contradict `isOver`, since when, without one that agrees. */
  #contradiction: { readonly since: number; samples: number } | undefined;

  constructor({ target, queues = [] }: { target: number; queues?: readonly Queue[] }) {
    this.#target = target;
    this.#queues = queues.map((queue) => ({
      wait: new QueueWait(queue),
      needsBusyLoop: queue.needsBusyLoop ?? false,
    }));
  }

  /** Call it every few milliseconds, and `restart` first where that was not done for a while. */
  observe(sample: Sample): void {
    const elapsed = Math.min(LONGEST_STEP, sample.now - (this.#last?.now ?? sample.now));
    for (const { wait } of this.#queues) wait.sample(elapsed);
    this.#last = sample;
    if (this.#isOver ? this.wait >= this.#target / 2 : this.wait <= this.#target) {
      this.#contradiction = undefined;
      return;
    }
    this.#contradiction ??= { since: sample.now, samples: 0 };
    this.#contradiction.samples += 1;
    if (this.#contradiction.samples < SAMPLES || sample.now - this.#contradiction.since < INTERVAL) return;
    this.#isOver = !this.#isOver;
    this.#contradiction = undefined;
  }

  /** Forgets what the last samples said. */
  restart(): void {
    this.#last = undefined;
    this.#isOver = false;
    this.#contradiction = undefined;
  }

  /** Milliseconds that a request has to expect at this moment. */
  get wait(): number {
    const { lag = 0, utilization = 0 } = this.#last ?? {};
    let longest = lag * TURNS;
    for (const { wait, needsBusyLoop } of this.#queues) {
      if (!needsBusyLoop || utilization >= BUSY) longest = Math.max(longest, wait.expected);
    }
    return longest;
  }

  /** Whether a request that comes now is one too many. In overload that is whoever would wait too long: so queues stay as long as they may be. */
  get isTooMuch(): boolean {
    return this.#isOver && this.wait > this.#target;
  }
}
