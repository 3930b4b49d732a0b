import type { Supervisor } from './supervisor.ts';

/** Starts servers for tests, and cleans up where they don't start. What is returned stops them and cleans up. */
export async function startTestServers(
  supervisor: Supervisor,
  cleanUp: () => Promise<void>,
): Promise<() => Promise<void>> {
  try {
    await supervisor.start();
  } catch (error) {
    await cleanUp();
    throw error;
  }
  return async () => {
    await supervisor.stop();
    await cleanUp();
  };
}
