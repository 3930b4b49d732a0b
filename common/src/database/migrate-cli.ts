import { processOutput } from '../process/index.js';
import { runMigrateCommand } from './migrations/migrate-command.js';
import { loadMigratedUrl, loadRoles } from './migrations/migration-settings.js';

process.exitCode = await runMigrateCommand(process.argv.slice(2), {
  databaseUrl: () => loadMigratedUrl(process.env),
  roles: () => loadRoles(process.env),
  ...processOutput,
});
