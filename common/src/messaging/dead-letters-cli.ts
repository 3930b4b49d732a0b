import { brokerUrl, loadSettings } from '../config/index.js';
import { runDeadLettersCommand } from './dead-letters-command.js';
import { workQueues } from './topology.js';

process.exitCode = await runDeadLettersCommand(process.argv.slice(2), {
  brokerUrl: () => loadSettings({ RABBITMQ_URL: brokerUrl }, process.env).RABBITMQ_URL,
  queues: workQueues(),
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
