// What the stack says: progress on standard error, results on standard output, colour only where it is wanted.
import { styleText } from 'node:util';
import type { SupervisorEvents } from './supervisor.ts';

type Style = Parameters<typeof styleText>[0];

/** Whether whoever read this has gone: the pipe is closed, or the terminal. A full disk is another matter. */
function hasNoReader(error: NodeJS.ErrnoException, { isTTY }: NodeJS.WriteStream): boolean {
  return error.code === 'EPIPE' || (error.code === 'EIO' && isTTY);
}

export class Output {
  /**
   * Resolves when a reader has gone, as with `make up | head`. What is under way is finished all the same; what would only
   * end when it is asked to ends then. Output that can't be written, as on a full disk, is lost.
   */
  readonly abandoned: Promise<void>;
  readonly #stream: NodeJS.WriteStream;
  #activity: string | undefined;
  #activeSince = Date.now();
  #statusShown = false;
  #ticker: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.abandoned = new Promise((resolve) => {
      for (const each of new Set([stream, process.stdout])) {
        each.on('error', (error: NodeJS.ErrnoException) => {
          if (hasNoReader(error, each)) resolve();
        });
      }
    });
  }

  /** What was asked for, for people and for pipes. */
  result(line: string): void {
    this.#clearStatus();
    process.stdout.write(`${line}\n`);
  }

  /** What happens meanwhile. */
  progress(line: string): void {
    this.#clearStatus();
    this.#stream.write(`${line}\n`);
    if (this.#stream.isTTY) this.#showStatus();
  }

  error(message: string): void {
    this.progress(this.style('red', message));
  }

  /** Respects NO_COLOR, FORCE_COLOR and streams that are no terminals. */
  style(style: Style, text: string, stream: NodeJS.WriteStream = this.#stream): string {
    return styleText(style, text, { stream });
  }

  /** Shows what is going on, and for how long, until it gets something else or nothing. */
  activity(text: string | undefined): void {
    if (this.#activity === undefined) this.#activeSince = Date.now();
    this.#activity = text;
    this.#clearStatus();
    clearInterval(this.#ticker);
    if (text === undefined) return;
    const terminal = this.#stream.isTTY;
    this.#ticker = setInterval(() => this.#showStatus(), terminal ? 250 : 5_000);
    this.#ticker.unref();
    if (terminal) this.#showStatus();
  }

  /** Shows progress for as long as the work takes, and its time in the end when that was noticeable. */
  async during<T>(label: string, work: () => Promise<T>): Promise<T> {
    const startedAt = Date.now();
    this.activity(label);
    try {
      return await work();
    } finally {
      this.activity(undefined);
      const seconds = (Date.now() - startedAt) / 1_000;
      if (seconds > 1) this.progress(`${label}: ${seconds.toFixed(1)} s`);
    }
  }

  get events(): SupervisorEvents {
    return {
      message: (line) => this.progress(line),
      waiting: (activity, names) => this.activity(names.length > 0 ? `${activity} ${names.join(', ')}` : undefined),
      ready: (name, milliseconds) => {
        const time = this.style('dim', `${(milliseconds / 1_000).toFixed(1)} s`);
        this.progress(`${this.style('green', '✓')} ${name} ${time}`);
      },
    };
  }

  #showStatus(): void {
    if (this.#activity === undefined) return;
    const seconds = Math.round((Date.now() - this.#activeSince) / 1_000);
    const text = `${this.#activity} (${seconds} s)`;
    if (!this.#stream.isTTY) {
      if (seconds > 0) this.#stream.write(`  ${text}\n`);
      return;
    }
    this.#clearStatus();
    this.#stream.write(this.style('dim', text.slice(0, (this.#stream.columns || 80) - 1)));
    this.#statusShown = true;
  }

  #clearStatus(): void {
    if (!this.#statusShown) return;
    this.#stream.write('\r\x1b[K');
    this.#statusShown = false;
  }
}
