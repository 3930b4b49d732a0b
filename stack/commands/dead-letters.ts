// The events that no service could handle: shown, put back into their queues, and dropped, by the project's own tool.
import path from 'node:path';
import { ensureBuilt } from '../build.ts';
import { settle, type Context } from '../context.ts';
import { baseEnvironment } from '../environment.ts';
import { services } from '../services.ts';
import { repository } from '../paths.ts';
import { inForeground, requireRunning, serviceDatabaseVariables } from './run.ts';

const tool = path.join(repository, 'common/dist/messaging/dead-letters-cli.js');

/** Answers the tool's exit code. */
export async function deadLetters(parameters: string[], context: Context): Promise<number> {
  const settings = settle(context);
  await requireRunning(['RABBITMQ_PORT'], settings);
  await context.output.during('build', () => ensureBuilt(context.directory));
  const names = ['RABBITMQ_URL', 'RABBITMQ_HOST', 'RABBITMQ_PORT', 'RABBITMQ_USER', 'RABBITMQ_PASSWORD'];
  // What is dropped goes into the audit trail of the service that could not handle it.
  if (parameters[0] === 'drop')
    names.push(...services.flatMap(({ database }) => (database ? serviceDatabaseVariables(database) : [])));
  const own = Object.fromEntries(names.map((name) => [name, settings.variables[name] ?? '']));
  return inForeground([process.execPath, tool, ...parameters], { ...baseEnvironment(), ...own });
}
