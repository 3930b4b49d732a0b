// Processor time of running processes, in microseconds, as Linux counts it for each of their threads.
import { readdirSync, readFileSync } from 'node:fs';
import { listProcessIds, sessionOf } from '../../stack/processes.ts';
import { hasCode } from '../../stack/errors.ts';

function read<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return otherwise; // it has ended meanwhile
    throw error;
  }
}

/** Of a process and of its children in the same session. */
export function processorTime(session: number): number {
  let nanoseconds = 0;
  for (const pid of listProcessIds().filter((id) => sessionOf(id) === session)) {
    for (const thread of read(() => readdirSync(`/proc/${pid}/task`), [])) {
      const [spent] = read(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'), '0').split(' ');
      nanoseconds += Number(spent);
    }
  }
  return nanoseconds / 1_000;
}
