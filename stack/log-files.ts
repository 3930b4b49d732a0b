// The log files of a stack: one for each program, bounded in size, read back by name. None that can't be written is fatal.
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { makePrivate } from './data-folder.ts';
import { isShortage } from './errors.ts';

const maximumBytes = 10 * 1024 * 1024;

export function logFile(directory: string, name: string): string {
  return path.join(directory, 'logs', `${name}.log`);
}

export interface OpenLog {
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

/** All lines that there are, those of the older file first. */
export const allLines = (file: string): string[] => [`${file}.1`, file].flatMap((each) => lastLines(each, Infinity));

/** The last lines that were written after a position in the file; of one that was rotated since, all there are. */
export function lastLines(file: string, count: number, start = 0): string[] {
  if (!existsSync(file)) return [];
  const bytes = readFileSync(file);
  const text = bytes.toString('utf8', start > bytes.length ? 0 : start).trimEnd();
  return text === '' ? [] : text.split('\n').slice(-count);
}
