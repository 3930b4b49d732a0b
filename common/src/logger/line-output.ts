/** The part of a stream of Node's that lines are written to. */
export interface LineSink {
  write(text: string, callback: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Writes lines to a stream, and never fails. What can't be written, as on a full disk, is counted; the first line that can
 * be written again has one before it that says how many are missing.
 */
export class LineOutput {
  readonly #sink: LineSink;
  readonly #lossNotice: (lost: number) => string;
  #lost = 0;
  #unreported = 0;
  #reporting = false;

  constructor(sink: LineSink, lossNotice: (lost: number) => string) {
    this.#sink = sink;
    this.#lossNotice = lossNotice;
    sink.on('error', () => undefined); // each write learns of its own
  }

  /** Lines that were lost since the start. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#unreported === 0 || this.#reporting) this.#attempt(`${line}\n`);
    else this.#writeAfterLoss(line);
  }

  #writeAfterLoss(line: string): void {
    const reported = this.#unreported;
    this.#reporting = true;
    // The last line may have got half of the way: the next one begins anew.
    this.#attempt(`\n${this.#lossNotice(reported)}\n${line}\n`, (isWritten) => {
      this.#reporting = false;
      if (isWritten) this.#unreported -= reported;
    });
  }

  #attempt(text: string, then?: (isWritten: boolean) => void): void {
    this.#sink.write(text, (error) => {
      then?.(!error);
      if (!error) return;
      this.#lost++;
      this.#unreported++;
    });
  }
}
