// What the system has acknowledged to its customers: the only thing that the invariant check takes from memory.
import { appendFileSync } from 'node:fs';

export type Acknowledged =
  | { kind: 'user'; id: string; email: string }
  /** `marker` is the order's note: of a request that is repeated it stays the same. */
  | { kind: 'order'; id: string; userId: string; marker: string }
  | { kind: 'cancelled order'; orderId: string }
  /** `marker` is the payment's description. */
  | { kind: 'payment'; id: string; orderId: string; marker: string }
  | { kind: 'paid' | 'declined' | 'being paid'; paymentId: string }
  /** `marker` is the refund's reason; no amount: all that is left. */
  | { kind: 'refund' | 'refund under way'; paymentId: string; marker: string; amount: number | undefined };

export class Journal {
  readonly acknowledged: (Acknowledged & { at: string })[] = [];
  /** How often which answer was given, by status, code and what was asked. */
  readonly answers = new Map<string, number>();
  readonly #file: string;

  /** Everything is written to a file too, for people. */
  constructor(file: string) {
    this.#file = file;
  }

  acknowledge(what: Acknowledged): void {
    const entry = { at: new Date().toISOString(), ...what };
    this.acknowledged.push(entry);
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  answered(operation: string, answer: string): void {
    const line = `${operation}: ${answer}`;
    this.answers.set(line, (this.answers.get(line) ?? 0) + 1);
  }
}
