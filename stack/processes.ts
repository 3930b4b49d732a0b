// What Linux tells about processes. Ids are reused, so a process is known by its id and its start time together.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from './errors.ts';

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, as /proc tells them. */
  startTime: string;
}

/** The variable that marks every process of a stack with the stack's directory, so that none can get lost. */
export const markVariable = 'SHOP_STACK';

/** /proc entries vanish while they are read, and those of other users are closed. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

/** The fields of /proc/PID/stat after the name, which may itself hold spaces and brackets. */
function readStat(pid: number): string[] | undefined {
  const stat = readProc(pid, 'stat');
  return stat?.slice(stat.lastIndexOf(') ') + 2).split(' ');
}

/** The identity of a living process; a zombie counts as dead. */
export function identify(pid: number): ProcessIdentity | undefined {
  const fields = readStat(pid);
  const [state, startTime] = [fields?.[0], fields?.[19]];
  return startTime === undefined || state === 'Z' || state === 'X' ? undefined : { pid, startTime };
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return identify(pid)?.startTime === startTime;
}

/** The session that a process belongs to: the id of the process that was started detached. */
export function sessionOf(pid: number): number | undefined {
  const session = readStat(pid)?.[3];
  return session === undefined ? undefined : Number(session);
}

/** The process that started a process. */
export function parentOf(pid: number): number | undefined {
  const parent = readStat(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** How many threads a process has; none when it is gone. */
export function threadsOf(pid: number): number {
  return Number(readStat(pid)?.[17] ?? 0);
}

/** What people know a process by: its program, and the script where the program is an interpreter. */
export function processName(pid: number): string | undefined {
  const [program = '', script = ''] = readProc(pid, 'cmdline')?.split('\0') ?? [];
  if (!program) return readProc(pid, 'comm')?.trim(); // a kernel thread, or not ours to look at
  const name = path.basename(program.split(' ')[0] ?? '').replace(/:$/, '');
  const isInterpreter = /^(node|python|php|perl|ruby|java|sh|bash)[\d.]*$/.test(name);
  return isInterpreter && script && !script.startsWith('-') ? `${name} ${script}` : name;
}

/** The processes of a session. */
export const membersOfSession = (session: number | undefined): number[] =>
  listProcessIds().filter((pid) => sessionOf(pid) === session);

/** Bytes of memory of a process and its children in the same session; what they share is counted once. */
export function memoryOfSession(session: number): number {
  const kilobytes = membersOfSession(session).map((pid) =>
    Number(/^Pss:\s+(\d+) kB$/m.exec(readProc(pid, 'smaps_rollup') ?? '')?.[1] ?? 0),
  );
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}

/** The processor time that a process and its children in the same session have used, in clock ticks. */
export function processorTimeOfSession(session: number): number {
  const members = listProcessIds()
    .map(readStat)
    .filter((fields) => Number(fields?.[3]) === session);
  return members.reduce((sum, fields) => sum + Number(fields?.[11]) + Number(fields?.[12]), 0);
}

export function listProcessIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Every living process that carries the mark, in whatever way it was started. */
export function markedProcesses(mark: string): ProcessIdentity[] {
  return listProcessIds()
    .filter((pid) => readProc(pid, 'environ')?.split('\0').includes(`${markVariable}=${mark}`))
    .map(identify)
    .filter((identity) => identity !== undefined);
}

/** The inodes of the sockets that a process has open; empty where it may not be looked at. */
export function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  try {
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readDescriptor(pid, descriptor))?.[1];
      if (inode) inodes.add(inode);
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error;
  }
  return inodes;
}

function readDescriptor(pid: number, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}

/** Signals a process, or its whole group when `pid` is negative; a process that is gone already is no fault. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  if (Math.abs(pid) <= 1) throw new Error(`${pid} stands for more than one process`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** Whether the process was gone before the time was over. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await delay(25);
  }
  return true;
}

/** Kills what still carries the mark, and returns it. */
export async function killMarked(mark: string): Promise<ProcessIdentity[]> {
  const killed: ProcessIdentity[] = [];
  for (let found = markedProcesses(mark); found.length > 0; found = markedProcesses(mark)) {
    for (const { pid } of found) signalProcess(pid, 'SIGKILL');
    const gone = await Promise.all(found.map((identity) => waitUntilGone(identity, 5_000)));
    killed.push(...found);
    if (!gone.every(Boolean)) break; // asleep inside the kernel: nothing more can be done from here
  }
  return killed;
}
