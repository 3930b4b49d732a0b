// Follows the log files of a stack as they grow, like `tail -F`, line by line and with the name of the program.
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { isShortage } from './errors.ts';
import { logFile } from './log-files.ts';

const pollMs = 200;
const chunkBytes = 64 * 1024;

/** The programs that have a log. */
export function logNames(directory: string): string[] {
  const folder = path.join(directory, 'logs');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return files.map((name) => name.slice(0, -'.log'.length)).toSorted();
}

export interface LogFollower {
  /** Delivers what has been written up to now, and ends. */
  stop(): void;
}

/** Calls back for each line that is written from now on. */
export function followLogs(
  directory: string,
  names: readonly string[],
  onLine: (name: string, line: string) => void,
): LogFollower {
  const readers = names.map((name) => lineReader(logFile(directory, name), (line) => onLine(name, line)));
  const read = () => readers.forEach((reader) => reader());
  const timer = setInterval(read, pollMs);
  return {
    stop: () => {
      clearInterval(timer);
      read();
    },
  };
}

/** Undefined while too many files are open: the next look may have more luck. */
function openUnlessShort(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if (isShortage(error)) return undefined;
    throw error;
  }
}

/** A function that reads the lines which were added since its last call. */
export function lineReader(file: string, onLine: (line: string) => void): () => void {
  let position = existsSync(file) ? statSync(file).size : 0;
  let unfinished = Buffer.alloc(0);
  return () => {
    if (!existsSync(file)) return;
    const opened = openUnlessShort(file);
    if (opened === undefined) return;
    const descriptor = opened; // which the function below may rely on
    try {
      if (statSync(file).size < position) position = 0; // it was truncated
      const chunk = Buffer.alloc(chunkBytes);
      for (let count = read(); count > 0; count = read()) {
        position += count;
        const text = Buffer.concat([unfinished, chunk.subarray(0, count)]);
        const end = text.lastIndexOf('\n') + 1; // a line that is still being written waits
        unfinished = text.subarray(end);
        if (end > 0)
          text
            .toString('utf8', 0, end - 1)
            .split('\n')
            .forEach(onLine);
      }
      function read(): number {
        return readSync(descriptor, chunk, 0, chunk.length, position);
      }
    } finally {
      closeSync(descriptor);
    }
  };
}
