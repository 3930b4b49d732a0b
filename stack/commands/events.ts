// The events that no service could handle, and those that services have published, by the project's own tools.
import path from 'node:path';
import { ensureBuilt } from '../build.ts';
import { settle, type Context } from '../context.ts';
import { baseEnvironment } from '../environment.ts';
import { databases as allDatabases, type Database } from '../services.ts';
import { repository } from '../paths.ts';
import { databasesOf, inForeground, requireRunning } from './run.ts';

const brokerVariables = ['RABBITMQ_URL', 'RABBITMQ_HOST', 'RABBITMQ_PORT', 'RABBITMQ_USER', 'RABBITMQ_PASSWORD'];

/** The variables by which a service itself reaches its database. */
const databaseVariables = ({ variables, roles }: Database): string[] => [
  variables.DATABASE_URL,
  variables.DATABASE_HOST,
  variables.DATABASE_PORT,
  variables.DATABASE_NAME,
  roles.SERVICE_USER,
  roles.SERVICE_PASSWORD,
];

/** Shows, puts back or drops dead letters. Answers the tool's exit code. */
export function deadLetters(parameters: string[], context: Context): Promise<number> {
  // What is dropped goes into the audit trail of the service that could not handle it.
  const databases = parameters[0] === 'drop' ? allDatabases : [];
  const names = [...brokerVariables, ...databases.flatMap(databaseVariables)];
  return runTool('dead-letters-cli.js', parameters, { names, needed: ['RABBITMQ_PORT'] }, context);
}

/** Has the events of some services, or of all that have any, published again. Answers the tool's exit code. */
export function republish({ since, services: those }: { since: string; services: string[] }, context: Context) {
  const chosen = databasesOf(those);
  const needed = ['RABBITMQ_PORT', ...chosen.map(({ database }) => database.portVariable)];
  const names = chosen.flatMap(({ database }) => databaseVariables(database));
  return runTool('republish-cli.js', [since, ...chosen.map(({ name }) => name)], { names, needed }, context);
}

/** Runs a tool of common/messaging, which gets to see these settings, while the servers on these ports run. */
async function runTool(
  tool: string,
  parameters: string[],
  { names, needed }: { names: string[]; needed: string[] },
  context: Context,
): Promise<number> {
  const settings = settle(context);
  await requireRunning(needed, settings);
  await context.output.during('build', () => ensureBuilt(context.directory));
  const own = Object.fromEntries(names.map((name) => [name, settings.variables[name] ?? '']));
  const file = path.join(repository, 'common/dist/messaging', tool);
  return inForeground([process.execPath, file, ...parameters], { ...baseEnvironment(), ...own });
}
