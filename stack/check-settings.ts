// Lets each service and its migrations check the settings of .env that they would start with, and writes every fault as they do.
import { migrationEnvironment, services } from './services.ts';

type Load = (environment: NodeJS.ProcessEnv) => unknown;

/** Of a compiled file: what it exports is known only once it is there. */
async function exported(file: string, name: string): Promise<Load> {
  const module: unknown = await import(`../${file}`);
  const value: unknown =
    typeof module === 'object' && module !== null && name in module ? Reflect.get(module, name) : '';
  if (typeof value !== 'function') throw new Error(`${file} has no ${name}`);
  return (environment) => Reflect.apply(value, undefined, [environment]) as unknown;
}

const migrations = 'common/dist/database/migrations/migration-settings.js';
const checks = await Promise.all([exported(migrations, 'loadMigratedUrl'), exported(migrations, 'loadRoles')]);
const faults = new Set<string>();

function checkSettings(load: Load, environment: NodeJS.ProcessEnv): void {
  try {
    load(environment);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SettingsError') throw error;
    for (const fault of error.message.split('\n')) faults.add(fault);
  }
}

const variables = Object.fromEntries(Object.entries(process.env).map(([variable, value = '']) => [variable, value]));
for (const { name, database } of services) {
  checkSettings(await exported(`${name}/dist/config.js`, 'loadConfig'), process.env);
  if (!database) continue;
  for (const check of checks) checkSettings(check, migrationEnvironment(database, { variables }));
}
for (const fault of faults) console.error(`settings: ${fault}`);
process.exitCode = faults.size > 0 ? 1 : 0;
