// The log files of a stack: one for each program, bounded in size, read back and followed by name. None that can't be written is fatal.
import { closeSync, copyFileSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { makePrivate } from './data-folder.ts';
import { isShortage, messageOf } from './errors.ts';

const maximumBytes = 10 * 1024 * 1024;
const rotationPollMs = 60_000;
const followPollMs = 200;

export function logFile(directory: string, name: string): string {
  return path.join(directory, 'logs', `${name}.log`);
}

/** The programs that have a log. */
export function logNames(directory: string): string[] {
  const folder = path.join(directory, 'logs');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return files.map((name) => name.slice(0, -'.log'.length)).toSorted();
}

interface OpenLog {
  /** For a child's standard output and error: `ignore` where the file could not be opened. */
  output: number | 'ignore';
  /** Where the lines of this run begin. */
  start: number;
  /** Closes this process's own descriptor, once the children have theirs. */
  close(): void;
}

/** Opens a program's log for appending. Children write to it themselves, so that no line is lost with the supervisor. */
export function openLog(directory: string, name: string): OpenLog {
  const file = logFile(directory, name);
  try {
    makePrivate(path.dirname(file)); // logs hold addresses, and what people have typed
    rotateLog(file);
    const output = openSync(file, 'a');
    return { output, start: statSync(file).size, close: () => closeSync(output) };
  } catch (error) {
    if (!isShortage(error)) throw error;
    // The program is worth more than its log.
    return { output: 'ignore', start: 0, close: () => undefined };
  }
}

/** Keeps one older file beside a log that has grown too large. Truncating is safe: everybody appends. */
export function rotateLog(file: string): void {
  if (!existsSync(file) || statSync(file).size <= maximumBytes) return;
  try {
    copyFileSync(file, `${file}.1`);
  } catch (error) {
    if (!isShortage(error)) throw error;
    rmSync(`${file}.1`, { force: true }); // on a full disk there is room for one of them at most
  }
  truncateSync(file);
}

/** Bounds every log of a stack, whose programs may run for long, until the function that it gives is called. */
export function rotateLogsRegularly(directory: string, onFault: (line: string) => void): () => void {
  const timer = setInterval(() => {
    for (const name of logNames(directory)) {
      try {
        rotateLog(logFile(directory, name));
      } catch (error) {
        onFault(`the log of ${name} could not be shortened: ${messageOf(error)}`);
      }
    }
  }, rotationPollMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** All lines that there are, those of the older file first. */
export const allLines = (file: string): string[] => [`${file}.1`, file].flatMap((each) => lastLines(each, Infinity));

/** The last lines that were written after a position in the file; of one that was rotated since, all there are. */
export function lastLines(file: string, count: number, start = 0): string[] {
  if (!existsSync(file)) return [];
  const bytes = readFileSync(file);
  const text = bytes.toString('utf8', start > bytes.length ? 0 : start).trimEnd();
  return text === '' ? [] : text.split('\n').slice(-count);
}

/** Calls back for each line that is written from now on, until the function that it gives is called. */
export function followLogs(
  directory: string,
  names: readonly string[],
  onLine: (name: string, line: string) => void,
): () => void {
  const readers = names.map((name) => lineReader(logFile(directory, name), (line) => onLine(name, line)));
  const read = () => readers.forEach((reader) => reader());
  const timer = setInterval(read, followPollMs);
  return () => {
    clearInterval(timer);
    read();
  };
}

/** A function that reads the lines which were added since its last call, as `tail -F` does. */
export function lineReader(file: string, onLine: (line: string) => void): () => void {
  const sizeOf = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const decoder = new StringDecoder('utf8');
  let position = sizeOf();
  let unfinished = '';
  return () => {
    const size = sizeOf();
    if (size < position) position = 0; // it was truncated
    const added = Buffer.alloc(size - position);
    const count = added.length > 0 ? readUnlessShort(file, added, position) : 0;
    position += count;
    const lines = (unfinished + decoder.write(added.subarray(0, count))).split('\n');
    unfinished = lines.pop() ?? ''; // a line that is still being written waits
    lines.forEach(onLine);
  };
}

/** How many bytes were read: none while too many files are open, when the next look may have more luck. */
function readUnlessShort(file: string, target: Buffer, position: number): number {
  try {
    const descriptor = openSync(file, 'r');
    try {
      return readSync(descriptor, target, 0, target.length, position);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (isShortage(error)) return 0;
    throw error;
  }
}
