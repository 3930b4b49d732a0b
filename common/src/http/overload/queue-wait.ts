/** A line that requests stand in, within this process. */
export interface Queue {
  /** How many stand in it now. */
  readonly waiting: number;
  /** How many have left it since the process started, to be worked on. */
  readonly served: number;
  /** Counts only while the event loop has no time left: such a line may as well be the fault of whoever is asked. */
  readonly needsBusyLoop?: boolean;
}

/** Milliseconds that a change in speed takes to count for the most part. */
const MEMORY = 250;

/** Tells how long who joins a queue now will stand in it: those before it, by how fast they have left while some waited. */
export class QueueWait {
  readonly #queue: Queue;
  /** A millisecond; undefined while nobody ever had to wait. */
  #speed: number | undefined;
  #waitedBefore = false;
  #servedBefore: number;

  constructor(queue: Queue) {
    this.#queue = queue;
    this.#servedBefore = queue.served;
  }

  /** Looks at the queue `elapsed` milliseconds after the last look. While nobody waits its speed is that of arrivals, and says nothing. */
  sample(elapsed: number): void {
    const { waiting, served } = this.#queue;
    if (this.#waitedBefore && waiting > 0 && elapsed > 0) {
      const now = (served - this.#servedBefore) / elapsed;
      const weight = 1 - Math.exp(-elapsed / MEMORY);
      this.#speed = this.#speed === undefined ? now : this.#speed + (now - this.#speed) * weight;
    }
    this.#waitedBefore = waiting > 0;
    this.#servedBefore = served;
  }

  /** Milliseconds; Infinity where nothing moves. */
  get expected(): number {
    const { waiting } = this.#queue;
    return waiting === 0 || this.#speed === undefined ? 0 : waiting / this.#speed;
  }
}
