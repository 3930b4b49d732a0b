import cluster from 'node:cluster';
import { setSourceMapsSupport } from 'node:module';
import { SettingsError, type Environment } from '../config/index.js';
import { redact } from '../logger/index.js';
import { Siblings } from './siblings.js';

/** What a process does once it is started. */
export interface RunningProcess {
  /** Lets everybody who sends work notice that the end is near, and still does it. Called at most once, before `stop`. */
  drain?(): Promise<void>;
  /** Finishes running work and lets go of everything. Called once. */
  stop(): Promise<void>;
}

/** Milliseconds from the first signal until the process ends, whatever still runs. */
const GRACE = 30_000;

const print = (facts: Record<string, unknown>): void => {
  process.stderr.write(`${JSON.stringify(redact({ time: new Date().toISOString(), level: 'error', ...facts }))}\n`);
};

/**
 * Whether whoever read this output has gone: the pipe is closed, or the terminal. Other errors pass, such as those of a full
 * disk.
 */
const hasNoReader = ({ code }: NodeJS.ErrnoException, { isTTY }: { isTTY?: boolean }): boolean =>
  code === 'EPIPE' || (code === 'EIO' && isTTY === true);

/**
 * Starts a process with its settings, or as many `workers` as they ask for, and stops it in order on SIGTERM, SIGINT or
 * SIGHUP. What `start` imports only then is not loaded for wrong settings or beside workers, and its stacks name the lines
 * of our sources, without the maps of all packages, which take 13 MB. Ends with 0 after an ordered stop; with 1 on a wrong
 * setting (one line a fault), when the start fails, on an error that nobody caught, when the reader of its output has gone,
 * and when stopping takes over 30 s. Output that can't be written for another reason, such as a full disk, ends nothing.
 */
export async function runProcess<Config extends { readonly workers?: number | undefined }>(options: {
  environment: Environment;
  /** Throws SettingsError. */
  loadConfig: (environment: Environment) => Config;
  /** `siblings`: the other workers, where there are some. */
  start: (config: Config, siblings: Siblings | undefined) => Promise<RunningProcess>;
  exit: (code: number) => void;
}): Promise<void> {
  const { environment, loadConfig, start, exit } = options;
  let running: RunningProcess | undefined;
  let ending = false;

  const end = (code: number): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => {
      print({ message: 'stopping took too long' });
      exit(1);
    }, GRACE).unref();
    const stop = async (): Promise<void> => {
      // What has failed takes no more work.
      if (code === 0) await running?.drain?.();
      await running?.stop();
    };
    stop().then(
      () => exit(code),
      (err: unknown) => {
        print({ message: 'stopping failed', err });
        exit(1);
      },
    );
  };

  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (hasNoReader(error, stream)) end(1); // to report it would only fail again
    });
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => end(0));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (err: unknown) => {
      print({ message: event, err });
      end(1);
    });
  }

  try {
    const config = loadConfig(environment);
    const { workers: size = 1 } = config;
    if (size > 1 && cluster.isPrimary) {
      running = await startWorkers(size);
    } else {
      setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
      const siblings = siblingsOf(environment);
      running = await start(config, siblings);
      siblings?.reportReady();
    }
  } catch (err) {
    if (err instanceof SettingsError) process.stderr.write(err.faults.map((fault) => `settings: ${fault}\n`).join(''));
    else print({ message: 'start failed', err });
    exit(1);
  }
}

async function startWorkers(size: number): Promise<RunningProcess> {
  const { WorkerPool } = await import('./worker-pool.js');
  const pool = new WorkerPool({ size, report: print });
  await pool.start();
  return pool;
}

function siblingsOf({ WORKER_NUMBER }: Environment): Siblings | undefined {
  return cluster.isWorker ? new Siblings({ number: Number(WORKER_NUMBER), channel: process }) : undefined;
}
