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

/** Nanoseconds of all its threads. */
function timeOf(pid: number): number {
  return read(() => readdirSync(`/proc/${pid}/task`), [])
    .map((thread) => read(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'), '0'))
    .reduce((sum, line) => sum + Number(line.split(' ')[0]), 0);
}

/** What processes take, also those that have ended by the next question: a connection of PostgreSQL is one. */
export class ProcessorTimer {
  /** Nanoseconds by session and process, as far as they were seen. */
  readonly #seen = new Map<number, Map<number, number>>();

  /** Microseconds, of the processes of a session and of those that they started: PostgreSQL's are sessions of their own. */
  of(session: number): number {
    const members = new Set(membersOf(session));
    const started = listProcessIds().filter((pid) => members.has(parentOf(pid) ?? 0));
    const seen = this.#seen.get(session) ?? new Map<number, number>();
    this.#seen.set(session, seen);
    for (const pid of new Set([...members, ...started])) seen.set(pid, Math.max(seen.get(pid) ?? 0, timeOf(pid)));
    return [...seen.values()].reduce((sum, time) => sum + time, 0) / 1_000;
  }
}

/** Bytes that `ps` shows for the processes of a session (RSS): what they share is counted in each. */
export function residentMemory(session: number): number {
  const kilobytes = membersOf(session).map((pid) => {
    const status = read(() => readFileSync(`/proc/${pid}/status`, 'utf8'), '');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}
