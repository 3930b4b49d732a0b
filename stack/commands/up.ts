// Starting the stack, in the foreground or in the background.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { firstSteps, serverAddresses, serviceAddresses, table } from '../addresses.ts';
import { runningState, settle, type Context } from '../context.ts';
import { baseEnvironment } from '../environment.ts';
import { StackError } from '../errors.ts';
import { healthTask } from '../health.ts';
import { followLogs, lineReader, logFile, openLog } from '../log-files.ts';
import { infrastructureParts, systemParts } from '../parts.ts';
import { services } from '../services.ts';
import { locatePostgres } from '../programs/postgres-installation.ts';
import type { Settings } from '../settings.ts';
import { stopAtFault, untilAskedToStop } from '../signals.ts';
import type { StackState } from '../state.ts';
import { AlreadyRunning, Supervisor } from '../supervisor.ts';

export type Scope = 'up' | 'infra';

const detachedLog = 'stack';

/** Starts everything, or the servers alone, and stays until it is asked to stop or something ends that must not. */
export async function up(scope: Scope, mode: 'foreground' | 'background', context: Context): Promise<number> {
  const { output, directory } = context;
  const running = await findRunning(scope, context);
  if (running) return printRunning(running, context);
  const settings = settle(context, { withNotes: mode === 'foreground' }); // else who started it has shown them
  locatePostgres(baseEnvironment(), directory); // what it lacks is reported before anything is installed
  const options = { settings, directory, withAdminer: true, withPrometheus: true };
  const programs = scope === 'up' ? systemParts(options) : infrastructureParts(options);
  const needs = programs.filter((part) => part.kind === 'task' || !part.onRequest).map(({ name }) => name);
  const parts = [...programs, healthTask(settings, scope, { needs, report: (line) => output.progress(line) })];
  const supervisor = new Supervisor({ directory, scope, parts, events: output.events });
  const stop = (why: string) => {
    output.progress(`stopping everything (${why})`);
    return supervisor.stop();
  };
  void untilAskedToStop().then(stop);
  void output.abandoned.then(() => stop('nobody reads its output any more'));
  const faults = stopAtFault(supervisor, (line) => output.error(line));
  let isCutOff = false;
  let stopFollowing: (() => void) | undefined;
  try {
    await supervisor.start();
    if (mode === 'foreground') {
      describe(scope, settings, context);
      if (scope === 'up') stopFollowing = followServices(context);
    }
  } catch (error) {
    output.activity(undefined);
    if (error instanceof AlreadyRunning) return mode === 'background' ? 0 : joinOther(scope, context);
    if (error !== supervisor.stopRequest) throw error;
    isCutOff = mode === 'background'; // it never becomes ready
  }
  await supervisor.finished;
  stopFollowing?.();
  output.progress('everything has stopped; the data stays');
  return faults.length > 0 || isCutOff ? 1 : 0;
}

/** Starts a supervisor in the background, and waits until everything is ready. */
export async function upDetached(scope: Scope, context: Context): Promise<number> {
  const { output, directory } = context;
  const running = await findRunning(scope, context);
  if (running) return printRunning(running, context);
  const settings = settle(context);
  const log = openLog(directory, detachedLog);
  const readLines = lineReader(logFile(directory, detachedLog), (line) => output.progress(line));
  const main = path.join(import.meta.dirname, '../main.ts');
  const child = spawn(process.execPath, [main, scope, '--background'], {
    detached: true,
    stdio: ['ignore', log.output, log.output],
  });
  log.close();
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const asked = untilAskedToStop();
  void asked.then(() => child.kill('SIGTERM'));
  let exitCode: number | undefined;
  void ended.then((code) => (exitCode = code));
  for (;;) {
    const state = runningState(context);
    if (state?.ready && state.supervisor.pid === child.pid) break;
    readLines();
    if (exitCode === 0) return joinOther(scope, context);
    if (exitCode !== undefined) return exitCode;
    await Promise.race([ended, delay(100)]);
  }
  readLines();
  child.unref();
  describe(scope, settings, context);
  return 0;
}

/**
 * What runs and is ready, after a start or a stop that somebody else has asked for has come to its end; undefined when nothing
 * runs. Throws a StackError when that start fails, or when less runs than is asked for.
 */
async function findRunning(scope: Scope, context: Context): Promise<StackState | undefined> {
  for (;;) {
    const state = runningState(context);
    if (scope === 'up' && state?.scope === 'infra' && !state.stopping) {
      throw new StackError('only the infrastructure is running (make infra): `make down` first, then `make up`');
    }
    if (!state || state.ready) return state;
    await waitForOther(state, context);
  }
}

/** Waits while another supervisor starts or stops everything. Throws a StackError when it fails to start. */
async function waitForOther({ supervisor, stopping }: StackState, context: Context): Promise<void> {
  let isAsked = false;
  void untilAskedToStop().then(() => (isAsked = true));
  const what = stopping ? 'stop' : 'start';
  context.output.progress(`a ${what} is under way: waiting for its end`);
  const isUnderWay = (state = runningState(context)) =>
    state?.supervisor.pid === supervisor.pid && !state.ready && state.stopping === stopping;
  await context.output.during(`waiting for the ${what}`, async () => {
    while (isUnderWay()) {
      if (isAsked) throw new StackError('no longer waiting; what is under way goes on');
      await delay(100);
    }
  });
  if (!stopping && runningState(context)?.ready !== true) {
    throw new StackError('the start that was under way has failed or was stopped: see where it was asked for');
  }
}

/** Another start was a moment faster. */
async function joinOther(scope: Scope, context: Context): Promise<number> {
  const running = await findRunning(scope, context);
  if (!running) throw new StackError('somebody else started or stopped everything at this moment: try again');
  return printRunning(running, context);
}

function printRunning({ scope }: StackState, context: Context): number {
  context.output.progress('already running');
  describe(scope === 'infra' ? 'infra' : 'up', settle(context), context);
  return 0;
}

/** The table of addresses, and what to do with them. */
function describe(scope: Scope, settings: Settings, { output }: Context): void {
  const addresses = [...(scope === 'up' ? serviceAddresses(settings) : []), ...serverAddresses(settings)];
  const rows = table(addresses);
  const hints =
    scope === 'up'
      ? ['Stop: Ctrl-C or `make down`. Logs: `make logs`, `make logs-f`. Check: `make health`.']
      : ['Now `make run-user`, `make run-order`, `make run-payment`, `make run-gateway`. Stop: `make down`.'];
  const steps = scope === 'up' ? [...firstSteps(settings), ''] : [];
  for (const line of ['', ...rows.map((row) => `  ${row}`), '', ...steps, ...hints]) output.result(line);
}

function followServices({ directory, output }: Context): () => void {
  const names = services.map(({ name }) => name);
  const width = Math.max(...names.map((name) => name.length));
  return followLogs(directory, names, (name, line) => {
    output.result(`${output.style('cyan', `${name.padEnd(width)} |`, process.stdout)} ${line}`);
  });
}
