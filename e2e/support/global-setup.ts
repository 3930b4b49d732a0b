import path from 'node:path';
import { Output } from '../../stack/output.ts';
import { ensureInstalled } from '../../stack/packages.ts';
import { repository } from '../../stack/paths.ts';
import { startStack, type RunningStack } from '../../stack/start-stack.ts';

declare global {
  var endToEndStack: RunningStack | undefined;
}

/** Starts a whole system of its own for the end-to-end tests, and sees to it that there is a browser. */
export default async function globalSetup(): Promise<void> {
  const output = new Output();
  await output.during('installing chromium', () => ensureInstalled(['chromium'], path.join(repository, '.native')));
  const stack = await startStack({
    environment: { BCRYPT_COST: '4', LOG_LEVEL: 'warn', GATEWAY_RATE_LIMIT: '10000', SERVICE_RATE_LIMIT: '10000' },
  });
  globalThis.endToEndStack = stack;
  process.env.E2E_URLS = JSON.stringify(stack.urls);
  process.env.E2E_ENVIRONMENT = JSON.stringify(stack.environment);
}
