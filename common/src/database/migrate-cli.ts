import { databaseUrl, loadSettings } from '../config/index.js';
import { runMigrateCommand } from './migrations/migrate-command.js';

const settings = {
  DATABASE_URL: databaseUrl({
    host: 'DATABASE_HOST',
    port: 'DATABASE_PORT',
    user: 'DATABASE_USER',
    password: 'DATABASE_PASSWORD',
    name: 'DATABASE_NAME',
  }),
};

process.exitCode = await runMigrateCommand(process.argv.slice(2), {
  databaseUrl: () => loadSettings(settings, process.env).DATABASE_URL,
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
