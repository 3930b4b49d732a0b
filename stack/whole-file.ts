// Files that are written whole or not at all: a full disk leaves no half of one.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file unless it holds this text already, so that a program can be started again while nothing can be written. */
export function writeWholeFile(file: string, text: string, options: { mode?: number } = {}): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  try {
    writeFileSync(`${file}.new`, text, options);
    renameSync(`${file}.new`, file);
  } catch (error) {
    rmSync(`${file}.new`, { force: true });
    throw error;
  }
}
