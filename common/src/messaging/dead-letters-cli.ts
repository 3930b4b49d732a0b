import { brokerUrl, loadSettings } from '../config/index.js';
import { writeAuditEntries } from '../database/index.js';
import { processOutput } from '../process/index.js';
import { runDeadLettersCommand } from './dead-letters-command.js';
import { serviceDatabaseUrl } from './service-database.js';
import { workQueues } from './topology.js';

process.exitCode = await runDeadLettersCommand(process.argv.slice(2), {
  brokerUrl: () => loadSettings({ RABBITMQ_URL: brokerUrl }, process.env).RABBITMQ_URL,
  queues: workQueues(),
  // order-service.v2 is the queue of order-service.
  writeAudit: ({ name }, entry) => writeAuditEntries(serviceDatabaseUrl(name, process.env), [entry]),
  ...processOutput,
});
