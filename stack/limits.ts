// What the shell's limits (`ulimit`) leave for the stack: with less, servers hang or end in words of their own.
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { hasCode, StackError } from './errors.ts';
import { listProcessIds, threadsOf } from './processes.ts';

/** RabbitMQ does not start with 64; with a few hundred, a few hundred clients are the end. */
const neededFiles = 1_024;
/** Threads: of about 145 on two cores, some come with the cores. Half as many again, for the build and for what is asked. */
const neededThreads = (cores: number): number => 200 + 10 * cores;

export interface Limits {
  /** Of open files, for each process: the hard limit, to which Node.js raises the soft one. */
  files: number;
  /** Of this user's processes, threads counted. */
  threads: number;
}

/** The limits in a text as of /proc/self/limits; Infinity where there is none. */
export function parseLimits(text: string): Limits {
  const limit = (name: string, column: 'soft' | 'hard'): number => {
    const [, soft = '', hard = ''] = new RegExp(`^${name} +(\\w+) +(\\w+)`, 'm').exec(text) ?? [];
    const value = Number(column === 'soft' ? soft : hard);
    return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
  };
  return { files: limit('Max open files', 'hard'), threads: limit('Max processes', 'soft') };
}

/** What of the limits is too low, one line for each. */
export function limitFaults({ files, threads }: Limits, used: () => number, cores: number): string[] {
  const faults: string[] = [];
  if (files < neededFiles) {
    const remedy = `raise it, such as with \`ulimit -n ${neededFiles}\`, or as root in /etc/security/limits.conf (nofile)`;
    faults.push(`A process may open ${files} files, and ${neededFiles} are needed: ${remedy}`);
  }
  const needed = neededThreads(cores);
  // Counted only where it may matter: it takes a look at every process of the machine.
  if (threads < Number.POSITIVE_INFINITY) {
    const left = Math.max(0, threads - used());
    if (left < needed) {
      const remedy = 'end some, or raise it: `ulimit -u`, as root in /etc/security/limits.conf (nproc)';
      faults.push(`You may run ${left} more of ${threads} processes and threads, and ${needed} are needed: ${remedy}`);
    }
  }
  return faults;
}

/** Throws a StackError where the limits of this process are too low for the stack. Root may run as much as it wants to. */
export function checkLimits(): void {
  const limits = parseLimits(readFileSync('/proc/self/limits', 'utf8'));
  const user = process.getuid?.() ?? 0;
  if (user === 0) limits.threads = Number.POSITIVE_INFINITY;
  const faults = limitFaults(limits, () => threadsOfUser(user), availableParallelism());
  if (faults.length > 0) throw new StackError(faults.join('\n'));
}

function threadsOfUser(user: number): number {
  return listProcessIds()
    .filter((pid) => ownerOf(pid) === user)
    .reduce((sum, pid) => sum + threadsOf(pid), 0);
}

function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
