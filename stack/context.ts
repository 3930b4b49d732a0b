// What the commands share.
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { checkCertificate } from './certificate.ts';
import { dataFolder, makePassable, prepareDataFolder } from './data-folder.ts';
import { completeEnvironmentFile } from './environment-file.ts';
import { StackError } from './errors.ts';
import type { Output } from './output.ts';
import { repository } from './paths.ts';
import { entryPortNote } from './entry-point.ts';
import { environmentNotes, loadSettings, type Settings } from './settings.ts';
import { StateFile, type StackState } from './state.ts';

export interface Context {
  output: Output;
  /** Of the stack: holds data, logs and state. */
  directory: string;
}

export function createContext(output: Output, environment: NodeJS.ProcessEnv = process.env): Context {
  return { output, directory: environment.STACK_DIR ? path.resolve(environment.STACK_DIR) : dataFolder() };
}

/** The settings, after .env was made complete; with notes on what is not as the user may expect. */
export function settle({ output, directory }: Context, { withNotes = true } = {}): Settings {
  for (const file of [directory, path.join(repository, '.env')]) checkOwner(file);
  if (directory === dataFolder()) prepareDataFolder();
  else makePassable(directory);
  for (const line of completeEnvironmentFile(repository)) output.progress(line);
  const settings = loadSettings();
  checkCertificate(settings.certificate);
  if (!withNotes) return settings;
  const note = entryPortNote(settings);
  for (const line of [...environmentNotes(settings), ...(note === undefined ? [] : [note])]) output.progress(line);
  return settings;
}

/** What root has made once, a plain user can't use. */
function checkOwner(file: string): void {
  const user = process.getuid?.() ?? 0;
  if (user === 0 || !existsSync(file) || statSync(file).uid === user) return;
  const remedy = `run this as its owner, or give it to yourself, as root: chown -R ${user} ${file}`;
  throw new StackError(`${file} belongs to another user, who started this here before: ${remedy}`);
}

export function runningState({ directory }: Context): StackState | undefined {
  return new StateFile(directory).readRunning();
}
