// How a process comes to its end.
import { messageOf } from './errors.ts';
import type { Supervisor } from './supervisor.ts';

/** The signal that asked this process to stop. Once it has been asked, further signals change nothing. */
export function untilAskedToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  });
}

/**
 * Stops everything when this process throws what nobody catches, so that no children are left behind, and goes on stopping
 * whatever else is thrown then. Gives the list of these faults, each of which was reported.
 */
export function stopAtFault(supervisor: Supervisor, report: (line: string) => void): unknown[] {
  const faults: unknown[] = [];
  process.on('uncaughtException', (error: unknown) => {
    faults.push(error);
    if (faults.length === 1) report('stopping everything, because of an unexpected error of the supervisor:');
    report(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
    void supervisor.stop();
  });
  return faults;
}
