import { brokerUrl, databaseUrl, loadSettings } from '../config/index.js';
import { writeAuditEntries } from '../database/index.js';
import type { WorkQueue } from '../rabbitmq/index.js';
import { runDeadLettersCommand } from './dead-letters-command.js';
import { workQueues } from './topology.js';

/** The database of the service whose queue it is: order-service.v1 is that of ORDER_DATABASE_URL. Throws SettingsError. */
function databaseOf({ name }: WorkQueue): string {
  const [prefix = ''] = name.toUpperCase().split('-');
  const setting = databaseUrl({
    host: `${prefix}_DB_HOST`,
    port: `${prefix}_DB_PORT`,
    user: `${prefix}_DB_USER`,
    password: `${prefix}_DB_PASSWORD`,
    name: `${prefix}_DB_NAME`,
  });
  const url = `${prefix}_DATABASE_URL`;
  return String(loadSettings({ [url]: setting }, process.env)[url]);
}

process.exitCode = await runDeadLettersCommand(process.argv.slice(2), {
  brokerUrl: () => loadSettings({ RABBITMQ_URL: brokerUrl }, process.env).RABBITMQ_URL,
  queues: workQueues(),
  writeAudit: (queue, entry) => writeAuditEntries(databaseOf(queue), [entry]),
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
