// nginx alone, while the rest runs.
import { statSync } from 'node:fs';
import type { NginxAction } from '../arguments.ts';
import { runningState, settle, type Context } from '../context.ts';
import { request } from '../control.ts';
import { StackError } from '../errors.ts';
import { cacheMetrics, count, nginxReport, statusMissing } from '../nginx-report.ts';
import { logFile } from '../log-files.ts';
import { cachedFiles, clearNginxCache, readNginxStatus } from '../programs/nginx.ts';
import { entryUrl } from '../entry-point.ts';
import { loadSettings } from '../settings.ts';
import { upDetached } from './up.ts';

const notRunning = 3; // as systemctl and LSB's init scripts have it

export function nginxCommand(action: NginxAction, context: Context): Promise<number> {
  const commands: Record<NginxAction, (context: Context) => Promise<number>> = {
    up: () => startBy('start', context),
    down,
    restart: () => startBy('restart', context),
    'clear-cache': clearCache,
    status,
  };
  return commands[action](context);
}

/** Starts nginx beside what runs; where nothing does, with everything that it stands in front of. */
async function startBy(action: 'start' | 'restart', context: Context): Promise<number> {
  if (!runningState(context)) return upDetached('up', context);
  const url = entryUrl(settle(context));
  await context.output.during('starting nginx', () => request(context.directory, action, 'nginx'));
  context.output.result(`nginx answers at ${url}`);
  return 0;
}

async function down(context: Context): Promise<number> {
  const { output, directory } = context;
  if (runningState(context)) {
    await output.during('stopping nginx', () => request(directory, 'stop', 'nginx'));
    output.progress('nginx has stopped; `make nginx-up` starts it again');
  } else {
    output.progress('nothing is running');
  }
  return 0;
}

async function clearCache({ output, directory }: Context): Promise<number> {
  output.result(`${count(clearNginxCache(directory), 'answer')} removed from nginx's cache`);
  return 0;
}

async function status(context: Context): Promise<number> {
  const { output, directory } = context;
  const settings = loadSettings();
  const running = runningState(context)?.programs.find(({ name }) => name === 'nginx');
  if (!running) {
    output.result('nginx is not running');
    return notRunning;
  }
  const nginxStatus = await readNginxStatus(settings.ports.NGINX_STATUS_PORT).catch((cause: unknown) => {
    throw new StackError(statusMissing, { cause });
  });
  const sizes = cachedFiles(directory).map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const metrics = cacheMetrics(logFile(directory, 'nginx'));
  for (const line of nginxReport(entryUrl(settings), nginxStatus, sizes, metrics)) output.result(line);
  return 0;
}
