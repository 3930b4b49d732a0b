import { backOff } from '../rabbitmq/index.js';

/** Every read of the outbox names the subjects that it leaves out: more would make it slow. */
export const MAX_HELD_SUBJECTS = 2_000;
const HOLD = { first: 500, most: 5_000 };

/** Aggregates whose next event the broker has refused: each is left out for a while that grows with every refusal. */
export class HeldSubjects {
  readonly #held = new Map<string, { refusals: number; until: number }>();

  /** Whether there was room to hold it back; where there is none, the caller has to wait with everything. */
  hold(subject: string, now: number): boolean {
    const refusals = this.#held.get(subject)?.refusals ?? 0;
    if (refusals === 0 && this.#held.size >= MAX_HELD_SUBJECTS) return false;
    this.#held.set(subject, { refusals: refusals + 1, until: now + backOff(refusals, HOLD) });
    return true;
  }

  release(subject: string): void {
    this.#held.delete(subject);
  }

  /** Those that are to be left out at `now`, in milliseconds. */
  at(now: number): string[] {
    return [...this.#held].filter(([, { until }]) => until > now).map(([subject]) => subject);
  }
}
