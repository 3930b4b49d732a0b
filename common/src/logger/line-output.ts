/** The part of a stream of Node's that lines are written to. */
export interface LineSink {
  write(text: string, callback: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Characters that wait for others; more are written at once. */
const MAX_WAITING = 65_536;
/** Milliseconds that they wait: a write costs more than all else about a line. */
const MAX_WAIT = 20;

/**
 * Writes lines to a stream, those of a moment together, and never fails. What can't be written, as on a
 * full disk, is counted; the first line that can be written again has one before it that says how many are missing.
 */
export class LineOutput {
  readonly #sink: LineSink;
  readonly #lossNotice: (lost: number) => string;
  #lost = 0;
  #unreported = 0;
  #reporting = false;
  #waiting = '';
  #waitingLines = 0;

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
    if (this.#waitingLines === 0) setTimeout(() => this.flush(), MAX_WAIT);
    this.#waiting += `${line}\n`;
    this.#waitingLines++;
    if (this.#waiting.length > MAX_WAITING) this.flush();
  }

  /** Writes what waits: before the process ends, there is no later moment. */
  flush(): void {
    if (this.#waitingLines === 0) return;
    const text = this.#waiting;
    const lines = this.#waitingLines;
    this.#waiting = '';
    this.#waitingLines = 0;
    if (this.#unreported === 0 || this.#reporting) this.#attempt(text, lines);
    else this.#writeAfterLoss(text, lines);
  }

  #writeAfterLoss(text: string, lines: number): void {
    const reported = this.#unreported;
    this.#reporting = true;
    // The last line may have got half of the way: the next one begins again.
    this.#attempt(`\n${this.#lossNotice(reported)}\n${text}`, lines, (isWritten) => {
      this.#reporting = false;
      if (isWritten) this.#unreported -= reported;
    });
  }

  #attempt(text: string, lines: number, then?: (isWritten: boolean) => void): void {
    this.#sink.write(text, (error) => {
      then?.(!error);
      if (!error) return;
      this.#lost += lines;
      this.#unreported += lines;
    });
  }
}
