import { runMigrateCommand } from './migrations/migrate-command.js';

process.exitCode = await runMigrateCommand(process.argv.slice(2), {
  databaseUrl: process.env.DATABASE_URL,
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
