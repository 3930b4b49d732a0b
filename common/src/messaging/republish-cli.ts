import { processOutput } from '../process/index.js';
import { runRepublishCommand } from './republish-command.js';
import { serviceDatabaseUrl } from './service-database.js';

process.exitCode = await runRepublishCommand(process.argv.slice(2), {
  databaseUrl: (service) => serviceDatabaseUrl(service, process.env),
  ...processOutput,
});
