// How long a program may take to become ready: on a busy machine for as long as it makes progress.
import { statSync } from 'node:fs';
import { processorTimeOfSession } from './processes.ts';

const idleLimitMs = 120_000;
/** RabbitMQ on a machine with ten times too much to do needs two minutes. */
const longestMs = 600_000;
const lookEveryMs = 1_000;
/** Of a hundred ticks in a second. To be asked whether it is ready costs a program less. */
const ticksAtWork = 3;

export class StartDeadline {
  readonly #session: number | undefined;
  readonly #log: string;
  readonly #now: () => number;
  readonly #startedAt: number;
  #lookedAt: number;
  #progressedAt: number;
  #written = 0;
  #ticks = 0;

  /** The program's session, and the file that it writes into. */
  constructor(session: number | undefined, log: string, now: () => number = Date.now) {
    this.#session = session;
    this.#log = log;
    this.#now = now;
    this.#startedAt = this.#lookedAt = this.#progressedAt = now();
  }

  /** Why there is no use in waiting any longer; undefined while there is. */
  fault(): string | undefined {
    const now = this.#now();
    const elapsedMs = now - this.#lookedAt;
    if (elapsedMs >= lookEveryMs) {
      if (this.#hasProgressed(elapsedMs)) this.#progressedAt = now;
      this.#lookedAt = now;
    }
    if (now - this.#progressedAt > idleLimitMs) return `is not ready and has done nothing for ${idleLimitMs / 1_000} s`;
    if (now - this.#startedAt > longestMs) return `is not ready after ${longestMs / 60_000} minutes`;
    return undefined;
  }

  /** Whether the program has worked or written since the last look. */
  #hasProgressed(elapsedMs: number): boolean {
    const [writtenBefore, ticksBefore] = [this.#written, this.#ticks];
    this.#written = statSync(this.#log, { throwIfNoEntry: false })?.size ?? 0;
    this.#ticks = this.#session === undefined ? 0 : processorTimeOfSession(this.#session);
    return this.#written !== writtenBefore || this.#ticks - ticksBefore >= (ticksAtWork * elapsedMs) / 1_000;
  }
}
