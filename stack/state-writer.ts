// Keeps a stack's state file up to date. A disk that can't be written ends nothing: the state is written when it can be.
import { messageOf } from './errors.ts';
import type { StackState, StateFile } from './state.ts';

const retryMs = 1_000;

export class StateWriter {
  readonly #file: StateFile;
  readonly #current: () => StackState;
  readonly #report: (line: string) => void;
  #isBehind = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(file: StateFile, current: () => StackState, report: (line: string) => void) {
    this.#file = file;
    this.#current = current;
    this.#report = report;
  }

  /** Writes the state as it is now, or again and again until it could be written. */
  save(): void {
    clearTimeout(this.#retry);
    try {
      this.#file.write(this.#current());
      if (this.#isBehind) this.#report('the state of the stack is written again');
      this.#isBehind = false;
    } catch (error) {
      if (!this.#isBehind) this.#report(`the state of the stack can't be written for now: ${messageOf(error)}`);
      this.#isBehind = true;
      this.#retry = setTimeout(() => this.save(), retryMs);
      this.#retry.unref();
    }
  }

  stop(): void {
    clearTimeout(this.#retry);
  }
}
