// Starts the parts of a stack in order, keeps them running, and stops them in the opposite order.
import type { Claim } from './claim.ts';
import { openControl, type ControlSocket, type ProgramAction } from './control.ts';
import { watchDisk } from './disk-room.ts';
import { messageOf, StackError } from './errors.ts';
import { rotateLogsRegularly } from './log-files.ts';
import { checkPorts } from './ports.ts';
import { identify, killMarked } from './processes.ts';
import { dependentsOf, visitInOrder, type Part, type Program } from './program.ts';
import { pauseBeforeRestart, RestartPauses } from './restart-pauses.ts';
import { reapLeftOvers, StateFile, type ProgramState, type StackState } from './state.ts';
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
  /** Milliseconds before a crashed program is started for the first time again; each further pause is twice as long. */
  restartPauseMs?: number;
}

export class AlreadyRunning extends StackError {
  override name = 'AlreadyRunning';
}

export class Supervisor {
  readonly directory: string;
  /** Resolves once everything has stopped. */
  readonly finished: Promise<undefined>;
  /** What start() throws when stop() was called meanwhile. */
  readonly stopRequest = new StackError('stopped while it started');
  readonly #options: SupervisorOptions;
  readonly #state: StateFile;
  readonly #processes = new Map<string, SupervisedProcess>();
  readonly #waiting = new Set<string>();
  readonly #unwanted = new Set<string>();
  readonly #abort = new AbortController();
  readonly #finish: () => void;
  #claim: Claim | undefined;
  #control: ControlSocket | undefined;
  #stopWatching: (() => void)[] = [];
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #ready = false;
  #stopping = false;
  #isMarked = false;
  #diskWasFull = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#state = new StateFile(options.directory);
    this.directory = this.#state.directory;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.finished = promise;
    this.#finish = () => resolve(undefined);
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
      throw this.#abort.signal.reason as unknown;
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
    const leftOver = this.#state.read();
    this.#mark(leftOver?.programs); // the supervisor's own mark first: reaping takes time
    this.#stopWatching = [
      rotateLogsRegularly(this.directory, (line) => this.#report(line)),
      watchDisk(this.directory, (isFull) => this.#onDisk(isFull)),
    ];
    await reapLeftOvers(leftOver, this.directory, (line) => this.#report(line));
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
    try {
      if (this.#claim) await this.#stopClaimed(this.#claim); // without a claim the stack is somebody else's
    } finally {
      this.#finish();
    }
  }

  async #stopClaimed(held: Claim): Promise<void> {
    this.#control?.close();
    this.#ready = false;
    this.#stopping = true;
    if (this.#isMarked) this.#save();
    this.#state.giveUp();
    for (const stop of this.#stopWatching) stop();
    const { parts } = this.#options;
    await visitInOrder(
      parts,
      (part) => dependentsOf(parts, part.name),
      async ({ name }) => {
        const running = this.#processes.get(name);
        if (!running?.identity) return;
        const done = this.#waitFor('stopping', name);
        try {
          await running.stop();
        } catch (error) {
          this.#report(messageOf(error)); // what it needs is stopped all the same
        }
        done();
      },
    );
    await killMarked(this.directory); // helpers that a program leaves behind, as RabbitMQ does when it is killed
    this.#state.remove();
    await held.release();
  }

  /** Tells that a part is being waited for, until the function that it gives is called. */
  #waitFor(activity: 'waiting for' | 'stopping', name: string): () => void {
    const notify = () => this.#options.events?.waiting?.(activity, [...this.#waiting]);
    this.#waiting.add(name);
    notify();
    return () => {
      this.#waiting.delete(name);
      notify();
    };
  }

  #supervise(program: Program): SupervisedProcess {
    const { restartPauseMs = 500 } = this.#options;
    const pauses = new RestartPauses(restartPauseMs);
    return new SupervisedProcess({
      program,
      directory: this.directory,
      onStart: (note) => {
        if (note !== undefined) this.#report(`${program.name}: ${note}`);
        this.#save();
      },
      onReady: () => pauses.succeeded(),
      onCrash: (ending) => {
        this.#options.events?.crashed?.(program.name, ending);
        void this.#startAgain(program, `ended unexpectedly (${ending})`, pauses);
      },
    });
  }

  /** Starts a crashed program again, as often as it takes: the others go on meanwhile, and need it back. */
  async #startAgain({ name }: Program, fault: string, pauses: RestartPauses): Promise<void> {
    const pauseMs = pauses.failed();
    this.#report(`${name} ${fault}; starting it again in ${(pauseMs / 1_000).toFixed(1)} s`);
    this.#save();
    const { signal } = this.#abort;
    try {
      await pauseBeforeRestart(pauseMs, this.directory, signal);
      if (this.#unwanted.has(name)) return;
      await this.process(name).start(signal);
    } catch (error) {
      if (signal.aborted) return;
      await this.process(name).stop();
      const [reason = ''] = messageOf(error).split('\n');
      return this.#startAgain(this.process(name).program, `could not be started: ${reason}`, pauses);
    }
    this.#report(`${name} is ready again`);
    this.#save();
  }

  #onDisk(isFull: boolean): void {
    if (isFull)
      this.#report(`the disk of ${this.directory} is full: free some space, and everything goes on by itself`);
    else if (this.#diskWasFull) this.#report('the disk has room again');
    this.#diskWasFull = isFull;
    for (const { program } of this.#processes.values()) {
      try {
        program.onDisk?.(isFull);
      } catch (error) {
        this.#report(`${program.name} was not notified of the disk: ${messageOf(error)}`);
      }
    }
  }

  #report(line: string): void {
    this.#options.events?.message?.(line);
  }

  #save(): void {
    this.#state.keep(
      () => this.#currentState(),
      (line) => this.#report(line),
    );
  }

  /** The first state of a start: without it nobody could end what is started now. Throws a StackError. */
  #mark(leftOver: ProgramState[] = []): void {
    try {
      this.#state.write({ ...this.#currentState(), programs: leftOver });
      this.#isMarked = true;
    } catch (error) {
      throw new StackError(
        `${this.directory} can't be written (${messageOf(error)}): free some space, or make it yours`,
      );
    }
  }

  #currentState(): StackState {
    const supervisor = identify(process.pid);
    if (!supervisor) throw new Error('this process is not in /proc');
    const programs = [...this.#processes.values()].flatMap((supervised): ProgramState[] => {
      const { identity, isReady, program } = supervised;
      if (!identity) return [];
      const { name, stopSignal, stopTimeoutMs } = program;
      return [{ name, ...identity, status: isReady ? 'ready' : 'starting', stopSignal, stopTimeoutMs }];
    });
    programs.sort((a, b) => Number(a.startTime) - Number(b.startTime));
    return { supervisor, scope: this.#options.scope, ready: this.#ready, stopping: this.#stopping, programs };
  }
}
