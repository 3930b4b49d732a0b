// A supervisor in a process of its own, so that a test can kill it:   node supervise.ts DIRECTORY PORT
// On SIGUSR2 it opens as many files as it may, and on the next one it closes them. The messages `throw` and `reject` bring what
// nobody catches about.
import { closeSync, openSync } from 'node:fs';
import { createStandIns } from './stand-ins.ts';
import { isShortage } from '../errors.ts';
import { stopAtFault } from '../signals.ts';
import { Supervisor } from '../supervisor.ts';

const [directory = '', port = ''] = process.argv.slice(2);
const standIns = await createStandIns();
const say = (line: string) => void process.stdout.write(`${line}\n`);
const supervisor = new Supervisor({
  directory,
  scope: 'test',
  parts: [standIns.program('orphan', { port: Number(port) })],
  events: { message: say },
  restartPauseMs: 50,
});
const faults = stopAtFault(supervisor, say);
process.on('message', (message) => {
  if (message === 'reject') void Promise.reject(new Error('nobody handles this'));
  else
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
});
process.channel?.unref();
let hoarded: number[] = [];
process.on('SIGUSR2', () => {
  const isOver = hoarded.length > 0;
  for (const descriptor of hoarded) closeSync(descriptor);
  hoarded = isOver ? [] : hoard();
  say(`${isOver ? 'closed' : 'opened'} all files`);
});
try {
  await supervisor.start();
} catch (error) {
  if (error !== supervisor.stopRequest) throw error;
}
await supervisor.finished;
await standIns.dispose();
process.exitCode = faults.length > 0 ? 1 : 0;

function hoard(): number[] {
  const opened: number[] = [];
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if (!isShortage(error)) throw error;
    return opened;
  }
}
