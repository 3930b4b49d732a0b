// Stopping the stack, whoever started it.
import type { Context } from '../context.ts';
import { StackError } from '../errors.ts';
import { signalProcess, waitUntilGone } from '../processes.ts';
import { reapLeftOvers, StateFile } from '../state.ts';
import { upDetached } from './up.ts';

/** A service may take 35 s, and the servers stop after it. */
const timeoutMs = 90_000;

export async function down({ output, directory }: Context): Promise<number> {
  const file = new StateFile(directory);
  const running = file.readRunning();
  if (running) {
    signalProcess(running.supervisor.pid, 'SIGTERM');
    const gone = await output.during('stopping everything', () => waitUntilGone(running.supervisor, timeoutMs));
    if (!gone) throw new StackError(`the supervisor (pid ${running.supervisor.pid}) is still stopping: try again`);
    output.progress('everything has stopped; the data stays');
    return 0;
  }
  const leftOver = file.read();
  const held = await file.claim();
  if (!held) throw new StackError('somebody is starting the stack at this moment: try again');
  const ended = await reapLeftOvers(leftOver, directory, (line) => output.progress(line));
  file.remove();
  await held.release();
  output.progress(ended > 0 ? 'everything has stopped; the data stays' : 'nothing is running');
  return 0;
}

/** Stops what runs, and starts the same again in the background. */
export async function restart(context: Context): Promise<number> {
  const scope = new StateFile(context.directory).readRunning()?.scope;
  await down(context);
  return upDetached(scope === 'infra' ? 'infra' : 'up', context);
}
