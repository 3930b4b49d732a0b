import { runRepublishCommand } from './republish-command.js';
import { serviceDatabaseUrl } from './service-database.js';

process.exitCode = await runRepublishCommand(process.argv.slice(2), {
  databaseUrl: (service) => serviceDatabaseUrl(service, process.env),
  stdout: (line) => process.stdout.write(`${line}\n`),
  stderr: (line) => process.stderr.write(`${line}\n`),
});
