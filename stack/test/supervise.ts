// A supervisor in a process of its own, so that a test can kill it:   node supervise.ts DIRECTORY PORT
// On SIGUSR2 it opens as many files as it may, and on the next one it closes them.
import { closeSync, openSync } from 'node:fs';
import { createStandIns } from './stand-ins.ts';
import { isShortage } from '../errors.ts';
import { Supervisor } from '../supervisor.ts';

const [directory = '', port = ''] = process.argv.slice(2);
const standIns = await createStandIns();
const supervisor = new Supervisor({
  directory,
  scope: 'test',
  parts: [standIns.program('orphan', { port: Number(port) })],
  events: { message: (line) => void process.stdout.write(`${line}\n`) },
  restartPauseMs: 50,
});
let hoarded: number[] = [];
process.on('SIGUSR2', () => {
  const isOver = hoarded.length > 0;
  for (const descriptor of hoarded) closeSync(descriptor);
  hoarded = isOver ? [] : hoard();
  process.stdout.write(`${isOver ? 'closed' : 'opened'} all files\n`);
});
await supervisor.start();
await supervisor.finished;

function hoard(): number[] {
  const opened: number[] = [];
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if (!isShortage(error)) throw error;
    return opened;
  }
}
