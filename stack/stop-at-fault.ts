// A fault of the supervisor itself must not leave its children behind.
import { messageOf } from './errors.ts';
import type { Supervisor } from './supervisor.ts';

/**
 * Stops everything when this process throws what nobody catches, and goes on stopping whatever else is thrown then.
 * Gives the list of these faults, each of which was reported.
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
