// One program's process: started, watched until it is ready, stopped, killed, paused.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { confine } from './confinement.ts';
import { StackError } from './errors.ts';
import { describeFailure } from './failure-report.ts';
import { logFile, openLog } from './log-files.ts';
import { listeningSockets, portHolders } from './ports.ts';
import { identify, markVariable, membersOfSession, signalProcess, type ProcessIdentity } from './processes.ts';
import type { Command, Program } from './program.ts';
import { StartDeadline } from './start-deadline.ts';

const readyPollMs = 60;
const killTimeoutMs = 10_000;

interface Child {
  /** Undefined when the program could not be started. */
  identity: ProcessIdentity | undefined;
  /** How it ended, such as `exit code 1` or `SIGKILL`; undefined while it runs. */
  ending: string | undefined;
  ended: Promise<string>;
  /** Where its lines in the log begin. */
  logStart: number;
}

export interface SupervisedProcessOptions {
  program: Program;
  /** Of the stack: holds the logs, and marks the process. */
  directory: string;
  /** A process was started, perhaps with more rights than it should have. */
  onStart(note?: string): void;
  /** It has become ready. */
  onReady?(): void;
  /** A process that had become ready ended although nobody had asked it to. */
  onCrash(ending: string): void;
}

export class SupervisedProcess {
  readonly program: Program;
  readonly #options: SupervisedProcessOptions;
  #child: Child | undefined;
  #ready = false;
  #endingIsWanted = false;

  constructor(options: SupervisedProcessOptions) {
    this.program = options.program;
    this.#options = options;
  }

  /** The running process. */
  get identity(): ProcessIdentity | undefined {
    return this.#child?.ending === undefined ? this.#child?.identity : undefined;
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Starts the program and waits until it is ready. Throws a StackError when it does not become so. */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.#isRunning()) return;
    await this.program.prepare?.();
    signal?.throwIfAborted();
    this.#endingIsWanted = false;
    const command = confine(this.program.command(), this.#options.directory);
    const child = this.#spawn(command);
    this.#child = child;
    this.#options.onStart(command.note);
    await this.#untilReady(child, signal);
    this.#checkPortsAreOwn(child);
    await this.program.afterReady?.();
    if (!this.#isRunning()) throw this.#failure(child, 'ended while it started');
    this.#ready = true;
    this.#options.onReady?.();
  }

  /** Asks the program to stop, in its own way, and kills it when it does not in time. */
  async stop(): Promise<void> {
    const { identity } = this;
    if (!identity) return;
    this.#endingIsWanted = true;
    signalProcess(identity.pid, this.program.stopSignal);
    signalProcess(-identity.pid, 'SIGCONT'); // a paused process consumes nothing
    await Promise.race([this.#child?.ended, delay(this.program.stopTimeoutMs, undefined, { ref: false })]);
    if (this.identity) await this.kill('SIGKILL');
  }

  /** Sends a deadly signal to the program and its children; it stays down until it is started again. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { identity } = this;
    if (!identity) return;
    this.#endingIsWanted = true;
    signalProcess(-identity.pid, signal);
    const timeout = delay(killTimeoutMs, 'timeout', { ref: false });
    if ((await Promise.race([this.#child?.ended, timeout])) === 'timeout') {
      throw new StackError(`${this.program.name} (pid ${identity.pid}) does not end on ${signal}`);
    }
  }

  /** Stops the program in its tracks: it holds its connections and answers nothing. */
  pause(): void {
    if (this.identity) signalProcess(-this.identity.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.identity) signalProcess(-this.identity.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  #isRunning(): boolean {
    return this.identity !== undefined;
  }

  #spawn({ argv, environment, directory, uid, gid }: Command): Child {
    const [file, ...parameters] = argv;
    const log = openLog(this.#options.directory, this.program.name);
    // Detached: a session of its own, so that Ctrl-C reaches only the supervisor, which stops everything in order.
    const child = spawnOwnerOnly(file, parameters, {
      cwd: directory,
      env: { ...environment, [markVariable]: this.#options.directory },
      uid,
      gid,
      detached: true,
      stdio: ['ignore', log.output, log.output],
    });
    log.close();
    const spawned: Child = {
      identity: child.pid === undefined ? undefined : (identify(child.pid) ?? { pid: child.pid, startTime: '' }),
      ending: undefined,
      logStart: log.start,
      ended: new Promise((resolve) => {
        const end = (ending: string) => {
          if (spawned.ending !== undefined) return;
          spawned.ending = ending;
          const crashed = this.#ready && !this.#endingIsWanted;
          // nginx's workers outlive a killed master, and would keep its port from the next one.
          if (crashed && child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
          this.#ready = false;
          resolve(ending);
          if (crashed) this.#options.onCrash(ending);
        };
        child.once('error', (error) => end(error.message));
        child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
      }),
    };
    return spawned;
  }

  async #untilReady(child: Child, signal: AbortSignal | undefined): Promise<void> {
    const log = logFile(this.#options.directory, this.program.name);
    const deadline = new StartDeadline(child.identity?.pid, log);
    while (child.ending === undefined && !(await this.program.isReady())) {
      const fault = deadline.fault();
      if (fault !== undefined) throw this.#failure(child, fault);
      await Promise.race([child.ended, delay(readyPollMs, undefined, { signal })]);
    }
    if (child.ending !== undefined) throw this.#failure(child, 'ended while it started');
  }

  /** Somebody else may answer on the port while the own process is still busy failing. */
  #checkPortsAreOwn({ identity }: Child): void {
    const own = membersOfSession(identity?.pid);
    for (const { port, variable } of this.program.ports) {
      const sockets = listeningSockets(port);
      if (portHolders(port, sockets, own).length > 0) continue; // to look at all processes of the machine takes long
      const [stranger] = portHolders(port, sockets);
      if (stranger) {
        const holder = `${stranger.name} (pid ${stranger.pid})`;
        throw new StackError(`port ${port} is answered by ${holder} instead of ${this.program.name}: see ${variable}`);
      }
    }
  }

  #failure({ ending, logStart }: Child, fault: string): StackError {
    const { directory } = this.#options;
    const { name } = this.program;
    const log = logFile(directory, name);
    return new StackError(
      describeFailure({ what: `${name} ${fault}`, ending, log, logStart, directory, shownLines: 15 }),
    );
  }
}

/** What a server writes (data, logs, tables of users) is nobody's but its user's. */
function spawnOwnerOnly(file: string, parameters: string[], options: SpawnOptions): ChildProcess {
  const before = process.umask(0o077);
  try {
    return spawn(file, parameters, options);
  } finally {
    process.umask(before);
  }
}
