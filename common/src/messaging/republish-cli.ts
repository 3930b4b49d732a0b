import { runRepublishCommand } from './republish-command.js';
import { serviceDatabaseUrl } from './service-database.js';

process.exitCode = await runRepublishCommand(process.argv.slice(2), {
  databaseUrl: (service) => serviceDatabaseUrl(service, process.env),
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
