import { execFile, spawn, type ExecFileException, type PromiseWithChild } from 'node:child_process';
import { promisify } from 'node:util';
import { repository } from '../../../stack/paths.ts';

const execute = promisify(execFile);

const makeCommand = ['make', '--no-print-directory', 'STACK=docker'] as const;

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
  return answer(execute(program, args, { cwd: repository, maxBuffer: 64 * 1024 * 1024 }));
}

async function answer(running: PromiseWithChild<{ stdout: string; stderr: string }>): Promise<Ended> {
  try {
    return { exitCode: 0, ...(await running) };
  } catch (error) {
    if (!isExit(error)) throw error;
    return { exitCode: Number(error.code), stdout: error.stdout, stderr: error.stderr };
  }
}

function outputOf({ exitCode, stdout, stderr }: Ended, ...command: string[]): string {
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}\n${stdout}\n${stderr}`);
  return stdout.trim();
}

const succeed = async (...command: [string, ...string[]]): Promise<string> =>
  outputOf(await run(...command), ...command);

/** A target of the Makefile, with what it takes. Rejects with all that it said when it fails. */
export const make = (...args: string[]): Promise<string> => succeed(...makeCommand, ...args);

/** The same, with something to read on standard input. */
export async function makeWithInput(input: string, ...args: string[]): Promise<string> {
  const [program, ...first] = makeCommand;
  const running = execute(program, [...first, ...args], { cwd: repository });
  running.child.stdin?.end(input);
  return outputOf(await answer(running), ...makeCommand, ...args);
}

/** A command of `STACK=docker make`. Rejects with all that it said when it fails. */
export const stack = (...args: string[]): Promise<string> => succeed('sh', 'stack/docker.sh', ...args);
export const docker = (...args: string[]): Promise<string> => succeed('docker', ...args);

const projectLabel = (): string => `label=com.docker.compose.project=${process.env.COMPOSE_PROJECT_NAME ?? ''}`;
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** What the engine knows of some containers, volumes or images. Typed by whoever asks: it is what the tests look at. */
export const inspect = async <T>(...names: string[]): Promise<T[]> =>
  JSON.parse(await docker('inspect', ...names)) as T[];

/** The ids or names of what belongs to the system under test. */
export const belongings = async (...list: string[]): Promise<string[]> =>
  lines(await docker(...list, '--filter', projectLabel()));

interface Composed {
  services: Record<string, { volumes?: { type: string; source: string }[] }>;
}

/** What docker-compose.yml says with the profiles that are on. */
export const composed = async (): Promise<Composed> =>
  JSON.parse(await docker('compose', '--env-file', '.env.example', 'config', '--format', 'json')) as Composed;

export interface Happening {
  service: string;
  /** `start`, `die 0` with the exit code, `health_status: healthy`. */
  what: string;
  at: number;
}

interface EngineEvent {
  Action: string;
  timeNano: number;
  Actor: { Attributes: Record<string, string> };
}

/** Listens to what happens to the containers of the system under test: the engine forgets it soon. */
export function watchContainers(): { happened: () => Happening[]; stop: () => void } {
  const filters = ['event=start', 'event=die', 'event=health_status', projectLabel()].flatMap((it) => ['--filter', it]);
  const since = String(Math.floor(Date.now() / 1000));
  const watcher = spawn('docker', ['events', '--since', since, '--format', '{{json .}}', ...filters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  watcher.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const happened = () =>
    lines(text.slice(0, text.lastIndexOf('\n') + 1)).map((line): Happening => {
      const { Action, Actor, timeNano } = JSON.parse(line) as EngineEvent;
      const { exitCode, 'com.docker.compose.service': service = '' } = Actor.Attributes;
      return { service, what: Action === 'die' ? `die ${exitCode}` : Action, at: timeNano };
    });
  return { happened, stop: () => void watcher.kill() };
}
