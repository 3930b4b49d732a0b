// Starts the parts of a stack in order, keeps them running, and stops them in the opposite order.
import { setTimeout as delay } from 'node:timers/promises';
import type { Claim } from './claim.ts';
import { openControl, type ControlSocket, type ProgramAction } from './control.ts';
import { messageOf, StackError } from './errors.ts';
import { logFile } from './log-files.ts';
import { rotateLogsRegularly } from './log-rotation.ts';
import { checkPorts } from './ports.ts';
import { identify, killMarked } from './processes.ts';
import { dependentsOf, visitInOrder, type Part, type Program } from './program.ts';
import { reapLeftOvers, StateFile, type ProgramState } from './state.ts';
import { SupervisedProcess } from './supervised-process.ts';

export interface SupervisorEvents {
  message(line: string): void;
  /** The parts that are being started or stopped at the moment. */
  waiting(activity: 'waiting for' | 'stopping', names: string[]): void;
  ready(name: string, milliseconds: number): void;
  /** A process that had become ready ended although nobody had asked it to. */
  crashed?(name: string, ending: string): void;
}

export interface SupervisorOptions {
  directory: string;
  scope: string;
  parts: Part[];
  events?: Partial<SupervisorEvents>;
  /** Milliseconds before a crashed service is started for the first time again; each further pause is twice as long. */
  restartPauseMs?: number;
}

export class AlreadyRunning extends StackError {
  override name = 'AlreadyRunning';
}

const restartLimit = 5;
const restartWindowMs = 60_000;

export class Supervisor {
  readonly directory: string;
  /** Resolves once everything has stopped: with the reason, unless somebody asked for it. */
  readonly finished: Promise<StackError | undefined>;
  /** What start() throws when stop() was called meanwhile. */
  readonly stopRequest = new StackError('stopped while it started');
  readonly #options: SupervisorOptions;
  readonly #state: StateFile;
  readonly #processes = new Map<string, SupervisedProcess>();
  readonly #waiting = new Set<string>();
  readonly #restarting = new Map<string, number[]>();
  readonly #unwanted = new Set<string>();
  readonly #abort = new AbortController();
  readonly #finish: (reason: StackError | undefined) => void;
  #claim: Claim | undefined;
  #control: ControlSocket | undefined;
  #stopRotation: (() => void) | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #failure: StackError | undefined;
  #ready = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#state = new StateFile(options.directory);
    this.directory = this.#state.directory;
    const { promise, resolve } = Promise.withResolvers<StackError | undefined>();
    this.finished = promise;
    this.#finish = resolve;
    for (const program of options.parts.filter((part) => part.kind !== 'task')) {
      this.#processes.set(program.name, this.#supervise(program));
    }
  }

  /**
   * Starts everything and waits until all of it is ready. When something fails, all is stopped before this throws
   * AlreadyRunning, the failure, or the StackError of a stop that was asked for meanwhile.
   */
  async start(): Promise<void> {
    try {
      this.#started = this.#claimAndStart();
      await this.#started;
    } catch (error) {
      this.#abort.abort(error);
      await this.stop();
      throw this.#failure ?? (this.#abort.signal.reason as unknown);
    }
  }

  /** Stops everything, the last started first. Safe to call at any time, and more than once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopParts();
    return this.#stopped;
  }

  /** A program of this stack, to be killed, paused or restarted by tests. */
  process(name: string): SupervisedProcess {
    const found = this.#processes.get(name);
    if (!found) throw new Error(`no program ${name}; there are ${[...this.#processes.keys()].join(', ')}`);
    return found;
  }

  /** Starts or stops one program while the others run. Throws a StackError when it can't be had. */
  async #carryOut(action: ProgramAction, name: string): Promise<void> {
    const supervised = this.#processes.get(name);
    if (!supervised) throw new StackError(`${name} is no part of what runs`);
    this.#abort.signal.throwIfAborted();
    if (action !== 'start') {
      this.#unwanted.add(name);
      await supervised.stop();
    }
    if (action !== 'stop' && !supervised.identity) {
      await checkPorts(supervised.program.ports);
      this.#unwanted.delete(name);
      await supervised.start(this.#abort.signal);
    }
    this.#save();
  }

  async #claimAndStart(): Promise<void> {
    this.#claim = await this.#state.claim();
    if (!this.#claim) throw new AlreadyRunning(`a stack is already running in ${this.directory}`);
    this.#stopRotation = rotateLogsRegularly(this.directory);
    const leftOver = this.#state.read();
    this.#save(leftOver?.programs); // the supervisor's own mark first: reaping takes time
    await reapLeftOvers(leftOver, this.directory, (line) => this.#options.events?.message?.(line));
    this.#save();
    const parts = this.#options.parts.filter((part) => part.kind === 'task' || !part.onRequest);
    await checkPorts(parts.flatMap((part) => (part.kind === 'task' ? [] : part.ports)));
    const signal = this.#abort.signal;
    await visitInOrder(
      parts,
      (part) => part.needs,
      async (part) => {
        signal.throwIfAborted();
        const startedAt = Date.now();
        const done = this.#waitFor('waiting for', part.name);
        try {
          await (part.kind === 'task' ? part.run(signal) : this.process(part.name).start(signal));
        } catch (error) {
          this.#abort.abort(error); // the first failure ends the other starts, and is the reason that start() gives
        }
        signal.throwIfAborted();
        done();
        this.#options.events?.ready?.(part.name, Date.now() - startedAt);
        this.#save();
      },
    );
    this.#control = await openControl(this.directory, (action, program) => this.#carryOut(action, program));
    this.#ready = true;
    this.#save();
  }

  async #stopParts(): Promise<void> {
    this.#abort.abort(this.stopRequest);
    this.#waiting.clear();
    this.#options.events?.waiting?.('stopping', []);
    await Promise.allSettled([this.#started]); // a failure is thrown by start()
    if (this.#claim) await this.#stopClaimed(this.#claim); // without a claim the stack is somebody else's
    this.#finish(this.#failure);
  }

  async #stopClaimed(held: Claim): Promise<void> {
    this.#control?.close();
    this.#stopRotation?.();
    const { parts } = this.#options;
    await visitInOrder(
      parts,
      (part) => dependentsOf(parts, part.name),
      async ({ name }) => {
        const running = this.#processes.get(name);
        if (!running?.identity) return;
        const done = this.#waitFor('stopping', name);
        await running.stop();
        done();
      },
    );
    await killMarked(this.directory); // helpers that a program leaves behind, as RabbitMQ does when it is killed
    this.#state.remove();
    await held.release();
  }

  /** Tells that a part is being waited for, until the function that it gives is called. */
  #waitFor(activity: 'waiting for' | 'stopping', name: string): () => void {
    const tell = () => this.#options.events?.waiting?.(activity, [...this.#waiting]);
    this.#waiting.add(name);
    tell();
    return () => {
      this.#waiting.delete(name);
      tell();
    };
  }

  #supervise(program: Program): SupervisedProcess {
    return new SupervisedProcess({
      program,
      directory: this.directory,
      onStart: () => this.#save(),
      onCrash: (ending) => {
        this.#options.events?.crashed?.(program.name, ending);
        if (program.kind === 'service') void this.#startAgain(program, ending);
        else this.#fail(program, `stopped unexpectedly (${ending})`);
      },
    });
  }

  /** Starts a crashed service again, after a pause that grows, until it has crashed too often. */
  async #startAgain(program: Program, ending: string): Promise<void> {
    const since = Date.now() - restartWindowMs;
    const crashes = [...(this.#restarting.get(program.name) ?? []).filter((time) => time > since), Date.now()];
    this.#restarting.set(program.name, crashes);
    if (crashes.length > restartLimit) {
      this.#fail(program, `crashed ${crashes.length} times within a minute (${ending})`);
      return;
    }
    this.#options.events?.message?.(`${program.name} ended unexpectedly (${ending}); starting it again`);
    this.#save();
    const { restartPauseMs = 500 } = this.#options;
    const pauseMs = restartPauseMs * 2 ** (crashes.length - 1) * (1 + Math.random() / 2);
    try {
      await delay(pauseMs, undefined, { signal: this.#abort.signal });
      if (this.#unwanted.has(program.name)) return;
      await this.process(program.name).start(this.#abort.signal);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      await this.process(program.name).stop();
      return this.#startAgain(program, messageOf(error));
    }
    this.#options.events?.message?.(`${program.name} is ready again`);
    this.#save();
  }

  #fail({ name }: Program, what: string): void {
    this.#failure ??= new StackError(`${name} ${what}: see ${logFile(this.directory, name)}`);
    void this.stop();
  }

  #save(leftOver: ProgramState[] = []): void {
    const supervisor = identify(process.pid);
    if (!supervisor) throw new Error('this process is not in /proc');
    const programs = [...this.#processes.values()].flatMap((supervised): ProgramState[] => {
      const { identity, isReady, program } = supervised;
      if (!identity) return [];
      const { name, stopSignal, stopTimeoutMs } = program;
      return [{ name, ...identity, status: isReady ? 'ready' : 'starting', stopSignal, stopTimeoutMs }];
    });
    programs.sort((a, b) => Number(a.startTime) - Number(b.startTime));
    const { scope } = this.#options;
    this.#state.write({ supervisor, scope, ready: this.#ready, programs: [...leftOver, ...programs] });
  }
}
