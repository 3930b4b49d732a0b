const FIRST_PAUSE = 5_000;
const LONGEST_PAUSE = 10 * 60_000;

/**
 * What has failed and is passed over for a while, so that it doesn't hold up the rest: each time twice as long, up to ten
 * minutes. Every process learns it anew.
 */
export class PassedOver {
  readonly #failed = new Map<string, { times: number; until: number }>();

  failed(id: string, now: Date): void {
    const times = (this.#failed.get(id)?.times ?? 0) + 1;
    const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(times - 1, 30), LONGEST_PAUSE);
    this.#failed.set(id, { times, until: now.getTime() + pause });
  }

  succeeded(id: string): void {
    this.#failed.delete(id);
  }

  /** What is not to be tried now. Forgets what nobody has tried for long after its pause: somebody else has settled it. */
  ids(now: Date): string[] {
    const time = now.getTime();
    for (const [id, { until }] of this.#failed) if (until + LONGEST_PAUSE < time) this.#failed.delete(id);
    return [...this.#failed].filter(([, { until }]) => until > time).map(([id]) => id);
  }
}
