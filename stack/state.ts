// The state file of a stack: who supervises it and which processes belong to it, for other commands and for the next start.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { claim, type Claim } from './claim.ts';
import { messageOf } from './errors.ts';
import { isAlive, killMarked, signalProcess, waitUntilGone, type ProcessIdentity } from './processes.ts';

export interface ProgramState extends ProcessIdentity {
  name: string;
  status: 'starting' | 'ready';
  stopSignal: NodeJS.Signals;
  stopTimeoutMs: number;
}

export interface StackState {
  supervisor: ProcessIdentity;
  /** What was asked for: `infra` runs the servers alone. */
  scope: string;
  ready: boolean;
  stopping: boolean;
  /** In the order of their start. */
  programs: ProgramState[];
}

const claimTimeoutMs = 2_000;
const retryMs = 1_000;

export class StateFile {
  readonly directory: string;
  readonly #file: string;
  #isBehind = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(directory: string) {
    this.directory = path.resolve(directory);
    this.#file = path.join(this.directory, 'state.json');
  }

  /**
   * What a supervisor wrote last. Only supervisors write it, whole and by renaming, so it is trusted; but a power cut may leave
   * it empty, and then nothing of it runs.
   */
  read(): StackState | undefined {
    if (!existsSync(this.#file)) return undefined;
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as StackState;
    } catch (error) {
      if (isSyntaxError(error)) return undefined;
      throw error;
    }
  }

  /** The state, when its supervisor lives. */
  readRunning(): StackState | undefined {
    const state = this.read();
    return state && isAlive(state.supervisor) ? state : undefined;
  }

  /** The right to supervise the stack; undefined when somebody else does. */
  async claim(): Promise<Claim | undefined> {
    const deadline = Date.now() + claimTimeoutMs;
    let held = await claim(this.directory);
    // A killed supervisor keeps its claim for a moment; a new one writes the state a moment after its claim.
    while (!held && !this.readRunning() && Date.now() < deadline) {
      await delay(20);
      held = await claim(this.directory);
    }
    return held;
  }

  write(state: StackState): void {
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(state, null, 2)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** Writes the state as it is now; where the disk can't be written, which ends nothing, again and again until it could be. */
  keep(current: () => StackState, report: (line: string) => void): void {
    clearTimeout(this.#retry);
    try {
      this.write(current());
      if (this.#isBehind) report('the state of the stack is written again');
      this.#isBehind = false;
    } catch (error) {
      if (!this.#isBehind) report(`the state of the stack can't be written for now: ${messageOf(error)}`);
      this.#isBehind = true;
      this.#retry = setTimeout(() => this.keep(current, report), retryMs);
      this.#retry.unref();
    }
  }

  /** What could not be written until now is not tried again. */
  giveUp(): void {
    clearTimeout(this.#retry);
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}

/** Not by `instanceof`: in tests JSON's errors come from another realm. */
const isSyntaxError = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'name' in error && error.name === 'SyntaxError';

/** Stops what a supervisor that died left running, the last one started first, each in its own way. Returns how many. */
export async function reapLeftOvers(
  state: StackState | undefined,
  mark: string,
  report: (line: string) => void,
): Promise<number> {
  const leftOver = (state?.programs ?? []).filter(isAlive).toReversed();
  for (const program of leftOver) {
    report(`stopping ${program.name} (pid ${program.pid}), left over from an earlier run`);
    signalProcess(program.pid, program.stopSignal);
    signalProcess(-program.pid, 'SIGCONT');
    if (!(await waitUntilGone(program, program.stopTimeoutMs))) signalProcess(-program.pid, 'SIGKILL');
  }
  const others = await killMarked(mark);
  for (const { pid } of others) report(`ended process ${pid}, left over from an earlier run`);
  return leftOver.length + others.length;
}
