export interface Violation {
  rule: string;
  what: string;
  /** Whose rows tell more. */
  orderId?: string | undefined;
}

export type Report = (rule: string, what: string, orderId?: string) => void;

export function doubles(values: readonly string[]): string[] {
  const seen = new Set<string>();
  const found = new Set<string>();
  for (const value of values) (seen.has(value) ? found : seen).add(value);
  return [...found];
}
