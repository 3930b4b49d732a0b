import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Output } from '../../stack/output.ts';
import { ensureInstalled, type SystemProgram } from '../../stack/packages.ts';
import { repository } from '../../stack/paths.ts';
import { startStack, type RunningStack, type StartStackOptions } from '../../stack/start-stack.ts';

declare global {
  var endToEndStack: RunningStack | undefined;
}

/** Starts a whole system of its own for a project of tests, and sees to it that the programs they need are there. */
export async function startSystem(
  programs: SystemProgram['name'][],
  environment: Record<string, string>,
  { prometheus }: Pick<StartStackOptions, 'prometheus'> = {},
): Promise<void> {
  const output = new Output();
  await output.during(`installing ${programs.join(', ')}`, () =>
    ensureInstalled(programs, path.join(repository, '.native')),
  );
  const stack = await startStack({ environment, ...(prometheus && { prometheus }) });
  globalThis.endToEndStack = stack;
  process.env.E2E_URLS = JSON.stringify(stack.urls);
  process.env.E2E_ENVIRONMENT = JSON.stringify(stack.environment);
  process.env.E2E_DIRECTORY = stack.directory;
  process.env.E2E_DESCRIPTION = path.join(stack.directory, 'openapi.json');
  try {
    const answer = await fetch(`${stack.urls.gateway}/openapi.json`, { signal: AbortSignal.timeout(60_000) });
    await writeFile(process.env.E2E_DESCRIPTION, await answer.text());
  } catch (error) {
    await stack.stop(); // Jest leaves the tear-down out when the set-up fails
    throw error;
  }
}
