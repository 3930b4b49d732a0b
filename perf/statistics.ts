// What many measurements come to.

/** The value that this part, 0 to 1, of the sorted values does not exceed; Infinity where there is none. */
export const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Infinity;

const inOrder = (values: readonly number[]): number[] => values.toSorted((one, other) => one - other);

export const median = (values: readonly number[]): number => quantile(inOrder(values), 0.5);

/** Milliseconds. */
export interface Times {
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export function timesOf(milliseconds: readonly number[]): Times {
  const sorted = inOrder(milliseconds);
  const at = (part: number): number => quantile(sorted, part);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

export const milliseconds = (value: number): string =>
  Number.isFinite(value) ? `${value.toFixed(value < 10 ? 2 : 0)} ms` : '-';
