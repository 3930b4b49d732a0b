/** The value that so large a part of all values stays below; 0.5 is the median. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Prints what was measured, for whoever reads along. */
export function shown(what: string, rounds: readonly Readonly<Record<string, number>>[]): void {
  for (const round of rounds) {
    const metrics = Object.entries(round).map(([name, value]) => `${name} ${value.toFixed(2)}`);
    process.stdout.write(`${what}: ${metrics.join(', ')}\n`);
  }
}
