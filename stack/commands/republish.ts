// The events that services have published, published again, by the project's own tool.
import path from 'node:path';
import { ensureBuilt } from '../build.ts';
import { settle, type Context } from '../context.ts';
import { baseEnvironment } from '../environment.ts';
import { repository } from '../paths.ts';
import { findServices, inForeground, requireRunning, serviceDatabaseVariables } from './run.ts';

const tool = path.join(repository, 'common/dist/messaging/republish-cli.js');

/** Those of some services, or of all that have any. Answers the tool's exit code. */
export async function republish(
  { since, services }: { since: string; services: string[] },
  context: Context,
): Promise<number> {
  const settings = settle(context);
  const chosen = findServices(services).flatMap(({ name, database }) => (database ? [{ name, database }] : []));
  await requireRunning(['RABBITMQ_PORT', ...chosen.map(({ database }) => database.portVariable)], settings);
  await context.output.during('build', () => ensureBuilt(context.directory));
  const variables = chosen.flatMap(({ database }) => serviceDatabaseVariables(database));
  const own = Object.fromEntries(variables.map((name) => [name, settings.variables[name] ?? '']));
  const names = chosen.map(({ name }) => name);
  return inForeground([process.execPath, tool, since, ...names], { ...baseEnvironment(), ...own });
}
