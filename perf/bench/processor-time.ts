// Processor time of running processes, in microseconds, as Linux counts it for each of their threads.
import { readdirSync, readFileSync } from 'node:fs';
import { listProcessIds, parentOf, sessionOf } from '../../stack/processes.ts';
import { hasCode } from '../../stack/errors.ts';

function read<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return otherwise; // it has ended meanwhile
    throw error;
  }
}

/** Of the processes of a session and of those that they started: PostgreSQL's are sessions of their own. */
export function processorTime(session: number): number {
  const members = new Set(listProcessIds().filter((pid) => sessionOf(pid) === session));
  const started = listProcessIds().filter((pid) => members.has(parentOf(pid) ?? 0));
  let nanoseconds = 0;
  for (const pid of new Set([...members, ...started])) {
    for (const thread of read(() => readdirSync(`/proc/${pid}/task`), [])) {
      const [spent] = read(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'), '0').split(' ');
      nanoseconds += Number(spent);
    }
  }
  return nanoseconds / 1_000;
}
