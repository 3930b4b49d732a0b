import { execFile, type ExecFileException } from 'node:child_process';
import { promisify } from 'node:util';
import { repository } from '../../../stack/paths.ts';

const execute = promisify(execFile);

export interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Not by `instanceof`: errors come from another realm than the tests. */
const isExit = (error: unknown): error is ExecFileException & Ended =>
  typeof error === 'object' && error !== null && 'stdout' in error && 'code' in error && typeof error.code === 'number';

/** Runs a program in the project's folder; a failure of its own is an answer, too. */
export async function run(program: string, ...args: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await execute(program, args, { cwd: repository, maxBuffer: 64 * 1024 * 1024 });
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    if (!isExit(error)) throw error;
    return { exitCode: Number(error.code), stdout: error.stdout, stderr: error.stderr };
  }
}

async function succeed(program: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(program, ...args);
  if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}\n${stdout}\n${stderr}`);
  return stdout.trim();
}

/** A command of `STACK=docker make`. Rejects with all that it said when it fails. */
export const stack = (...args: string[]): Promise<string> => succeed('sh', 'stack/docker.sh', ...args);
export const docker = (...args: string[]): Promise<string> => succeed('docker', ...args);

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** What the engine knows of some containers, volumes or images. Typed by whoever asks: it is what the tests look at. */
export const inspect = async <T>(...names: string[]): Promise<T[]> =>
  JSON.parse(await docker('inspect', ...names)) as T[];

/** The ids or names of what belongs to the system under test. */
export const belongings = async (...list: string[]): Promise<string[]> => {
  const label = `label=com.docker.compose.project=${process.env.COMPOSE_PROJECT_NAME ?? ''}`;
  return lines(await docker(...list, '--filter', label));
};
