// Commands that come to an end, such as a build: their output goes to a log, which is shown when they fail.
import { spawn } from 'node:child_process';
import { StackError } from './errors.ts';
import { describeFailure } from './failure-report.ts';
import { logFile, openLog } from './log-files.ts';
import { markVariable, signalProcess } from './processes.ts';

export interface RunOptions {
  /** Of the stack: holds the log, and marks the process. */
  directory: string;
  /** What the command and its log are called. */
  log: string;
  workingDirectory: string;
  environment: NodeJS.ProcessEnv;
  uid?: number | undefined;
  gid?: number | undefined;
  /** How much of the log is shown when the command fails. */
  shownLines?: number;
  /** It bears no mark of the stack, so that nobody kills it as a left-over of a supervisor that died. */
  outlivesStack?: boolean;
  /** Ends the command early; without it, a command that should not be broken off runs to its end. */
  signal?: AbortSignal;
}

/** Runs a command to its end, out of Ctrl-C's reach. Throws a StackError with the end of its output when it fails. */
export async function runCommand(argv: [string, ...string[]], options: RunOptions): Promise<void> {
  const [file, ...parameters] = argv;
  const log = openLog(options.directory, options.log);
  const child = spawn(file, parameters, {
    cwd: options.workingDirectory,
    env: options.outlivesStack ? options.environment : { ...options.environment, [markVariable]: options.directory },
    uid: options.uid,
    gid: options.gid,
    detached: true,
    stdio: ['ignore', log.output, log.output],
  });
  log.close();
  const end = () => child.pid !== undefined && signalProcess(-child.pid, 'SIGTERM');
  options.signal?.addEventListener('abort', end);
  const ending = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  options.signal?.removeEventListener('abort', end);
  if (ending === undefined) return;
  throw new StackError(
    describeFailure({
      what: `${options.log} failed`,
      ending,
      log: logFile(options.directory, options.log),
      logStart: log.start,
      directory: options.directory,
      shownLines: options.shownLines ?? 15,
    }),
  );
}
