// A supervisor in a process of its own, so that a test can kill it:   node supervise.ts DIRECTORY PORT
import { createStandIns } from './stand-ins.ts';
import { Supervisor } from '../supervisor.ts';

const [directory = '', port = ''] = process.argv.slice(2);
const standIns = await createStandIns();
const supervisor = new Supervisor({
  directory,
  scope: 'test',
  parts: [standIns.program('orphan', { port: Number(port) })],
});
await supervisor.start();
await supervisor.finished;
