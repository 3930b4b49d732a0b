// The log files of a stack: one for each program, bounded in size, read back by name.
import { copyFileSync, existsSync, mkdirSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';

const maximumBytes = 10 * 1024 * 1024;

export function logFile(directory: string, name: string): string {
  return path.join(directory, 'logs', `${name}.log`);
}

export interface OpenLog {
  descriptor: number;
  /** Where the lines of this run begin. */
  start: number;
}

/** Opens a program's log for appending. Children write to it themselves, so that no line is lost with the supervisor. */
export function openLog(directory: string, name: string): OpenLog {
  const file = logFile(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  rotateLog(file);
  const descriptor = openSync(file, 'a');
  return { descriptor, start: statSync(file).size };
}

/** Keeps one older file beside a log that has grown too large. Truncating is safe: everybody appends. */
export function rotateLog(file: string): void {
  if (!existsSync(file) || statSync(file).size <= maximumBytes) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/** The last lines that were written after a position in the file; of one that was rotated since, all there are. */
export function lastLines(file: string, count: number, start = 0): string[] {
  if (!existsSync(file)) return [];
  const bytes = readFileSync(file);
  const text = bytes.toString('utf8', start > bytes.length ? 0 : start).trimEnd();
  return text === '' ? [] : text.split('\n').slice(-count);
}

/** Says what failed, and the end of what it wrote meanwhile. */
export function withEndOfLog(message: string, file: string, start: number, count: number): string {
  const lines = lastLines(file, count, start);
  if (lines.length === 0) return `${message} without a word (${file})`;
  return [`${message}; ${file} ends with:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
