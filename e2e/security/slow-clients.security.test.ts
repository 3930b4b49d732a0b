import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { register, urls } from '../support/system.js';
import { readListeners, socketsOf } from '../support/listeners.ts';

const CONNECTIONS = 1_000;
/** Seconds: longer than any patience of the server. */
const DURATION = 110;
/** Milliseconds: a short answer waits with the kernel, whoever reads it, and its connection counts as idle for 72 s. */
const ALL_OVER = 95_000;
const READS = 300;

const attacks = {
  'slow headers': ['-H', '-i', '5', '-x', '10'],
  'slow bodies': ['-B', '-i', '5', '-s', '8192', '-x', '10', '-t', 'POST'],
  'slow reading': ['-X', '-w', '1', '-y', '8', '-n', '5', '-z', '1', '-k', '3'],
};

/** The process that listens at a port. */
function processAt(url: string): number {
  const port = Number(new URL(url).port);
  const inodes = new Set(readListeners().flatMap((listener) => (listener.port === port ? [listener.inode] : [])));
  const pid = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .find((entry) => {
      try {
        return socketsOf(Number(entry)).some((inode) => inodes.has(inode));
      } catch {
        return false; // it has ended meanwhile
      }
    });
  if (pid === undefined) throw new Error(`nobody listens at ${url}`);
  return Number(pid);
}

const megabytesOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Milliseconds within which 99 of 100 reads are answered, one after the other. */
async function p99(read: () => Promise<Response>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const started = performance.now();
    const response = await read();
    await response.arrayBuffer();
    expect(response.status).toBe(200);
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(READS * 0.99)] ?? Infinity;
}

describe.each([
  ['the gateway', 'gateway', '/graphql'],
  ['order-service', 'orderService', '/api/v1/orders'],
] as const)('a thousand slow clients of %s', (_, name, path) => {
  it.each(Object.entries(attacks))('%s -> reads go on, and the clients are hung up on', async (_attack, options) => {
    const url = urls[name];
    const { token } = await register();
    const read = () =>
      name === 'gateway'
        ? fetch(`${url}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
            body: JSON.stringify({ query: '{ orders { data { id } } }' }),
          })
        : fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    const pid = processAt(url);
    await p99(read); // warm
    const before = { p99: await p99(read), descriptors: descriptorsOf(pid), megabytes: megabytesOf(pid) };

    const connections = ['-c', String(CONNECTIONS), '-r', '200', '-l', String(DURATION), '-p', '3'];
    const slow = spawn('slowhttptest', [...options, ...connections, '-u', `${url}${path}`], { stdio: 'ignore' });
    const ended = once(slow, 'exit');
    await delay(7_000); // until all of them are there
    const during = { p99: await p99(read), descriptors: descriptorsOf(pid), megabytes: megabytesOf(pid) };
    const deadline = Date.now() + ALL_OVER;
    while (descriptorsOf(pid) > before.descriptors + 50 && Date.now() < deadline) await delay(500);
    const after = { descriptors: descriptorsOf(pid), megabytes: megabytesOf(pid) };
    slow.kill('SIGINT');
    await ended;

    process.stdout.write(`${JSON.stringify({ name, options: options[0], before, during, after })}\n`);
    // Below ten milliseconds a doubling is the noise of the machine.
    expect(during.p99).toBeLessThan(Math.max(2 * before.p99, 10));
    expect(during.descriptors).toBeLessThan(before.descriptors + CONNECTIONS + 100);
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 50);
    expect(during.megabytes).toBeLessThan(before.megabytes + 200);
  });
});
