// Ports of this machine: whether one is free, who holds it, and sets of free ones for stacks that run side by side.
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { claim, type Claim } from './claim.ts';
import { hasCode, StackError } from './errors.ts';
import { listProcessIds, processName, socketsOf } from './processes.ts';
import type { PortClaim } from './program.ts';

const releaseTimeoutMs = 1_000;
const lookPauseMs = 50;

export interface PortHolder {
  pid: number;
  name: string;
}

const listening = '0A';
const kernelTables = ['/proc/net/tcp', '/proc/net/tcp6'];

/** The inodes of the sockets that listen on a port, from the kernel's tables (see proc(5), /proc/net/tcp). */
export const listeningSockets = (port: number, tables = kernelTables): Set<string> =>
  socketsOn(port, (state) => state === listening, tables);

/** Those of connections that have a port at their end on this machine. */
const connectedSockets = (port: number): Set<string> => socketsOn(port, (state) => state !== listening, kernelTables);

function socketsOn(port: number, isWanted: (state: string) => boolean, tables: readonly string[]): Set<string> {
  const inodes = new Set<string>();
  for (const table of tables.filter((file) => existsSync(file))) {
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [localAddress, state, inode] = [fields[1], fields[3], fields[9]];
      if (!state || !isWanted(state) || !localAddress || !inode) continue;
      if (Number.parseInt(localAddress.slice(localAddress.lastIndexOf(':') + 1), 16) === port) inodes.add(inode);
    }
  }
  return inodes;
}

/** Of some processes or all, those that have sockets on a port, that listen unless set otherwise; other users' can't be seen. */
export function portHolders(
  port: number,
  sockets = listeningSockets(port),
  processIds?: readonly number[],
): PortHolder[] {
  if (sockets.size === 0) return [];
  return (processIds ?? listProcessIds())
    .filter((pid) => [...socketsOf(pid)].some((inode) => sockets.has(inode)))
    .map((pid) => ({ pid, name: processName(pid) ?? 'unknown' }));
}

/** Tries to listen; gives the reason why it is not possible. */
async function portFault(port: number, host: string): Promise<'taken' | 'forbidden' | undefined> {
  const server = net.createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, exclusive: true }, resolve);
    });
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) return 'taken';
    if (hasCode(error, 'EACCES')) return 'forbidden';
    throw error;
  }
  await new Promise((resolve) => server.close(resolve));
  return undefined;
}

/** A fault that stays: a program that was just killed holds its ports, seen by nobody, until its last thread is gone. */
async function lastingPortFault(port: number, host: string): Promise<'taken' | 'forbidden' | undefined> {
  const deadline = Date.now() + releaseTimeoutMs;
  for (;;) {
    const fault = await portFault(port, host);
    if (fault !== 'taken' || portHolders(port).length > 0 || Date.now() > deadline) return fault;
    await delay(lookPauseMs);
  }
}

/** Throws, with one line for each port that can't be had, unless all are free. */
export async function checkPorts(claims: readonly PortClaim[]): Promise<void> {
  const faults: string[] = [];
  const owners = new Map<number, string>();
  for (const { port, variable, host = '127.0.0.1' } of claims) {
    const owner = owners.get(port);
    const other = owner === variable ? undefined : owner; // it may be bound to several addresses
    if (other) faults.push(`${other} and ${variable} are both ${port}: give one of them another port in .env`);
    owners.set(port, variable);
    const fault = other ? undefined : await lastingPortFault(port, host);
    if (fault === 'taken') faults.push(describeTaken(port, variable));
    else if (fault === 'forbidden') {
      faults.push(`port ${port} is only for root: set ${variable} in .env to a port above 1023`);
    }
  }
  if (faults.length > 0) throw new StackError(faults.join('\n'));
}

function describeTaken(port: number, variable: string): string {
  const unseen = "another user's program";
  const named = (holders: PortHolder[]) =>
    holders.map(({ name, pid }) => `${name} (pid ${pid})`).join(' and ') || unseen;
  if (listeningSockets(port).size > 0) {
    return `port ${port} is taken by ${named(portHolders(port))}: stop it, or set ${variable} in .env to another port`;
  }
  // Linux gives such ports to whoever connects to somewhere.
  const holders = portHolders(port, connectedSockets(port));
  const remedy = `try again later, or set ${variable} in .env to a port below ${firstOutgoingPort()}`;
  return `port ${port} is one end of a connection of ${named(holders)}: ${remedy}`;
}

/** See ip_local_port_range in ip(7). */
const firstOutgoingPort = (): number => Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'));

/** Whether a program answers on a port. */
export function isListening(port: number, timeoutMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', timeout: timeoutMs });
    const answer = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}

export interface ReservedPorts extends Claim {
  ports: number[];
}

const blockSize = 32;
const firstPort = 11_000;
const blocks = 600; // up to 30,200: below the range that Linux gives to outgoing connections

/** Free ports that no other run is given until they are released. */
export async function reservePorts(count: number): Promise<ReservedPorts> {
  const start = randomInt(blocks);
  for (let tried = 0; tried < blocks; tried++) {
    const block = (start + tried) % blocks;
    const held = await claim(`ports-${block}`);
    if (!held) continue;
    const ports: number[] = [];
    for (let port = firstPort + block * blockSize; ports.length < count && ports.length < blockSize; port++) {
      if (port >= firstPort + (block + 1) * blockSize) break;
      if (!(await portFault(port, '127.0.0.1'))) ports.push(port);
    }
    if (ports.length === count) return { ports, release: () => held.release() };
    await held.release();
  }
  throw new StackError(`no ${count} free ports between ${firstPort} and ${firstPort + blocks * blockSize}`);
}
