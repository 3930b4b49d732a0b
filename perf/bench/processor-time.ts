// What running processes have taken of the machine, as Linux counts it.
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

const membersOf = (session: number): number[] => listProcessIds().filter((pid) => sessionOf(pid) === session);

/** Microseconds, of the processes of a session and of those that they started: PostgreSQL's are sessions of their own. */
export function processorTime(session: number): number {
  const members = new Set(membersOf(session));
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

/** Bytes that `ps` shows for the processes of a session (RSS): what they share is counted in each. */
export function residentMemory(session: number): number {
  const kilobytes = membersOf(session).map((pid) => {
    const status = read(() => readFileSync(`/proc/${pid}/status`, 'utf8'), '');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}
