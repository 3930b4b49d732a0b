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

/** More may not wait in one queue: each keeps memory that garbage collection has to go through. */
const MOST_WAITING = 1_000;
/** In overload the part of the target that a queue may take: a longer one serves no more, and makes everybody wait. */
const STANDING = 0.1;
/**
 * And how many may wait in it: whoever waits survives collections of garbage, each of which has to copy it. A number rather
 * than less time: in a process that gets few turns of the processor, that would leave too few to keep it busy.
 */
const MOST_STANDING = 200;
/** Milliseconds without a refusal, and with short waits, after which overload is over: whoever was refused comes again meanwhile. */
const RECOVERY = 1_000;

/**
 * Decides when a process has more to do than it can, as CoDel does: not by how many requests there are, but by how long one
 * has to wait. Only a wait that was above `target` milliseconds in every sample of an interval is overload, or a queue that is
 * full. Then queues are let drain and kept short, until for a second nobody had to be refused.
 */
export class Overload {
  readonly #target: number;
  readonly #queues: readonly { readonly queue: Queue; readonly wait: QueueWait }[];
  #last: Sample | undefined;
  #isOver = false;
  #refusedSinceLast = false;
  /** The samples that contradict `isOver`, since when, without one that agrees. */
  #contradiction: { readonly since: number; samples: number } | undefined;

  constructor({ target, queues = [] }: { target: number; queues?: readonly Queue[] }) {
    this.#target = target;
    this.#queues = queues.map((queue) => ({ queue, wait: new QueueWait(queue) }));
  }

  /** Call it every few milliseconds, and `restart` first where that was not done for a while. */
  observe(sample: Sample): void {
    const elapsed = Math.min(LONGEST_STEP, sample.now - (this.#last?.now ?? sample.now));
    for (const { wait } of this.#queues) wait.sample(elapsed);
    this.#last = sample;
    const agrees = this.#isOver ? this.#refusedSinceLast || this.wait >= this.#target / 2 : this.wait <= this.#target;
    this.#refusedSinceLast = false;
    if (agrees) {
      this.#contradiction = undefined;
      return;
    }
    this.#contradiction ??= { since: sample.now, samples: 0 };
    this.#contradiction.samples += 1;
    const lasts = this.#isOver ? RECOVERY : INTERVAL;
    if (this.#contradiction.samples < SAMPLES || sample.now - this.#contradiction.since < lasts) return;
    this.#isOver = !this.#isOver;
    this.#contradiction = undefined;
  }

  /** Forgets what the last samples said. */
  restart(): void {
    this.#last = undefined;
    this.#isOver = false;
    this.#refusedSinceLast = false;
    this.#contradiction = undefined;
  }

  /** Milliseconds that a request has to expect at this moment. */
  get wait(): number {
    return Math.max((this.#last?.lag ?? 0) * TURNS, this.#queueWait);
  }

  /** Whether the event loop has no time left, or requests have to be refused. */
  get isBusy(): boolean {
    return this.#isOver || (this.#last?.utilization ?? 0) >= BUSY;
  }

  /** Whether a request that comes now is one too many. */
  get isTooMuch(): boolean {
    // Counting comes first: it costs least, and in each request mostly says all.
    if (!this.#isOver) return this.#holds(MOST_WAITING) && this.#isSlow;
    return this.#holds(MOST_STANDING) || this.#isSlow;
  }

  /** A request was one too many, and is refused. */
  noteRefusal(): void {
    this.#isOver = true;
    this.#refusedSinceLast = true;
  }

  /** Whether nobody waits: then nothing changes until somebody comes. */
  get isIdle(): boolean {
    return this.#queues.every(({ queue }) => queue.waiting === 0);
  }

  get #isSlow(): boolean {
    return this.#queueWait > this.#target * STANDING || this.wait > this.#target;
  }

  /** Whether so many wait in one queue. */
  #holds(count: number): boolean {
    return this.#queues.some(({ queue }) => queue.waiting >= count && this.#counts(queue));
  }

  get #queueWait(): number {
    let longest = 0;
    for (const { queue, wait } of this.#queues) if (this.#counts(queue)) longest = Math.max(longest, wait.expected);
    return longest;
  }

  #counts({ needsBusyLoop = false }: Queue): boolean {
    return !needsBusyLoop || (this.#last?.utilization ?? 0) >= BUSY;
  }
}
