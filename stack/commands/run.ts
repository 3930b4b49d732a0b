// Working on one service: its process in the foreground, and its migrations.
import { spawn } from 'node:child_process';
import { ensureBuilt } from '../build.ts';
import { settle, type Context } from '../context.ts';
import { StackError } from '../errors.ts';
import { migrateUp, migrationTool } from '../migrate.ts';
import { migrationEnvironment, serviceEnvironment, services, type Database, type Service } from '../services.ts';
import { repository } from '../paths.ts';
import { checkPorts, isListening } from '../ports.ts';
import { portOf, type Settings } from '../settings.ts';
import { untilAskedToStop } from '../signals.ts';

/** Runs one service from its source, and again whenever that changes; with NODE_ENV=production as it was built. */
export async function run(name: string, context: Context): Promise<number> {
  const service = findService(name);
  const settings = settle(context);
  const { directory, output } = context;
  await requireRunning(['RABBITMQ_PORT', ...(service.database ? [service.database.portVariable] : [])], settings);
  const { portVariable, database } = service;
  await checkPorts([{ port: portOf(settings.ports, portVariable), variable: portVariable, host: settings.host }]);
  await output.during('build', () => ensureBuilt(directory));
  if (database) {
    const options = { service: service.name, directory, environment: migrationEnvironment(database, settings) };
    await output.during('migrations', () => migrateUp(options));
  }
  const script = settings.variables.NODE_ENV === 'production' ? 'start' : 'dev';
  return inForeground(['npm', 'run', script, '--workspace', service.name], serviceEnvironment(service.name, settings));
}

/** Runs an npm script of a service, as it was built, while the service's database runs. Answers its exit code. */
export async function runScript(
  { service: name, script, parameters }: { service: string; script: string; parameters: string[] },
  context: Context,
): Promise<number> {
  const service = findService(name);
  const settings = settle(context);
  await requireRunning(service.database ? [service.database.portVariable] : [], settings);
  await context.output.during('build', () => ensureBuilt(context.directory));
  const argv: [string, ...string[]] = ['npm', 'run', '--silent', script, '--workspace', service.name];
  return inForeground([...argv, '--', ...parameters], serviceEnvironment(service.name, settings));
}

/** Runs the migration tool for the databases of some services, or of all. */
export async function migrate(direction: string, names: string[], context: Context): Promise<number> {
  const settings = settle(context);
  const chosen = databasesOf(names);
  await requireRunning(
    chosen.map(({ database }) => database.portVariable),
    settings,
  );
  await context.output.during('build', () => ensureBuilt(context.directory));
  let failed = 0;
  for (const { name, database } of chosen) {
    context.output.result(context.output.style('bold', name, process.stdout));
    const argv: [string, ...string[]] = [process.execPath, migrationTool, direction, name];
    failed = Math.max(failed, await inForeground(argv, migrationEnvironment(database, settings)));
  }
  return failed;
}

/** A service by its name, with or without the ending. */
function findService(name: string): Service {
  const found = services.find((service) => service.name === name || service.name === `${name}-service`);
  if (found) return found;
  throw new StackError(`there is no service ${name}; there are ${services.map((service) => service.name).join(', ')}`);
}

/** The databases of some services, or of all when none is named. */
export function databasesOf(names: string[]): { name: string; database: Database }[] {
  const chosen = names.length === 0 ? services : names.map(findService);
  return chosen.flatMap(({ name, database }) => (database ? [{ name, database }] : []));
}

export async function requireRunning(variables: string[], settings: Settings): Promise<void> {
  const listening = await Promise.all(variables.map((variable) => isListening(portOf(settings.ports, variable))));
  if (listening.includes(false)) {
    throw new StackError('the databases and RabbitMQ are not running: start them with `make infra`');
  }
}

/** Runs a command on this terminal; Ctrl-C reaches it too, so this one only waits for its end. */
export async function inForeground(argv: [string, ...string[]], environment: Record<string, string>): Promise<number> {
  const [file, ...parameters] = argv;
  const child = spawn(file, parameters, { cwd: repository, env: environment, stdio: 'inherit' });
  void untilAskedToStop().then((signal) => signal !== 'SIGINT' && child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 0));
  });
}
