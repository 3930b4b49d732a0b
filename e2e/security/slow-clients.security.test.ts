import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { readListeners, socketsOf } from '../support/listeners.ts';
import { register, settings, urls } from '../support/system.js';
import { median, percentile, shown } from './support/measurements.ts';

const CONNECTIONS = 1_000;
/** Seconds: longer than any timeout of the server. */
const DURATION = 110;
/** Milliseconds that their connections may take to be there after that: headers have ten seconds in all. */
const ALL_THERE = 5_000;
/** Milliseconds: a short answer waits with the kernel, whoever reads it, and its connection counts as idle for 72 s. */
const ALL_OVER = 95_000;
/** Times that the reads are measured, and how many they are each time. */
const MEASUREMENTS = 5;
const READS = 200;
/** What nginx lets one client keep: only between two pieces of a body or an answer is its timeout limited. */
const KEPT_BY_NGINX = Number(settings.NGINX_CONNECTION_LIMIT);

const attacks = {
  'slow headers': ['-H', '-i', '5', '-x', '10'],
  'slow bodies': ['-B', '-i', '5', '-s', '8192', '-x', '10', '-t', 'POST', '-f', 'application/json'],
  'slow reading': ['-X', '-w', '1', '-y', '8', '-n', '5', '-z', '1', '-k', '3'],
};
type Attack = keyof typeof attacks;

interface Target {
  url: string;
  /** What is attacked: it has to read bodies of anybody, and the longer its answer the better. */
  path: Record<Attack, string>;
  /** What a client with a token reads meanwhile. */
  read: { path: string; body?: string };
  kept: Record<Attack, number>;
}

const graphqlPath = {
  'slow headers': '/graphql',
  'slow bodies': '/graphql',
  'slow reading': `/graphql?query=${encodeURIComponent(getIntrospectionQuery().replaceAll(/\s+/g, ' '))}`,
};
const graphqlRead = { path: '/graphql', body: JSON.stringify({ query: '{ orders { data { id } } }' }) };
const none = { 'slow headers': 0, 'slow bodies': 0, 'slow reading': 0 };
const login = '/api/v1/users/login';

const targets: Record<string, Target> = {
  'the gateway': { url: urls.gateway, path: graphqlPath, read: graphqlRead, kept: none },
  'user-service': {
    url: urls.userService,
    path: { 'slow headers': login, 'slow bodies': login, 'slow reading': login },
    read: { path: '/api/v1/users/me' },
    kept: none,
  },
  nginx: {
    url: urls.nginx,
    path: graphqlPath,
    read: graphqlRead,
    kept: { ...none, 'slow bodies': KEPT_BY_NGINX, 'slow reading': KEPT_BY_NGINX },
  },
};

/** The processes that listen at a port: nginx has several. */
function processesAt(url: string): number[] {
  const port = Number(new URL(url).port);
  const inodes = new Set(readListeners().flatMap((listener) => (listener.port === port ? [listener.inode] : [])));
  const pids = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return socketsOf(pid).some((inode) => inodes.has(inode));
      } catch {
        return false; // it has ended meanwhile
      }
    });
  if (pids.length === 0) throw new Error(`nobody listens at ${url}`);
  return pids;
}

const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);
const megabytesOf = (pids: number[]): number =>
  sum(pids.map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024));
const descriptorsOf = (pids: number[]): number => sum(pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length));

/** Not the attackers' address: nginx distinguishes clients by it. */
const agent = new Agent({ keepAlive: true, localAddress: '127.0.0.2' });
afterAll(() => agent.destroy());

async function statusOf(url: string, token: string, body?: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
  const sent = request(url, { method: body ? 'POST' : 'GET', headers, agent }).end(body);
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode?: number }];
  const { statusCode } = response;
  await once(response.resume(), 'end');
  return statusCode;
}

/** Milliseconds within which 99 of 100 reads are answered, one after the other: the median of several measurements. */
async function p99Of(read: () => Promise<number | undefined>): Promise<number> {
  const measured: number[] = [];
  for (let measurement = 0; measurement < MEASUREMENTS; measurement++) {
    const times: number[] = [];
    for (let i = 0; i < READS; i++) {
      const started = performance.now();
      expect(await read()).toBe(200);
      times.push(performance.now() - started);
    }
    measured.push(percentile(times, 0.99));
  }
  return median(measured);
}

describe.each(Object.entries(targets))('a thousand slow clients of %s', (name, target) => {
  it('the body that they begin -> would be read, whoever they are', async () => {
    const { status } = await fetch(`${target.url}${target.path['slow bodies']}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(status).toBe(400);
  });

  it.each(Object.keys(attacks) as Attack[])('%s -> reads go on, and the clients are hung up on', async (attack) => {
    const { token } = await register();
    const read = () => statusOf(`${target.url}${target.read.path}`, token, target.read.body);
    const pids = processesAt(target.url);
    await p99Of(read); // warm
    const before = { p99: await p99Of(read), descriptors: descriptorsOf(pids), megabytes: megabytesOf(pids) };

    const connections = ['-c', String(CONNECTIONS), '-r', '250', '-l', String(DURATION), '-p', '3'];
    const options = [...attacks[attack], ...connections, '-u', `${target.url}${target.path[attack]}`];
    const slow = spawn('slowhttptest', options, { stdio: 'ignore' });
    const ended = once(slow, 'exit');
    await delay(4_000); // in which slowhttptest opens them; on a busy machine it takes longer
    const allThere = before.descriptors + (target.kept[attack] || CONNECTIONS) * 0.9;
    const timeout = Date.now() + ALL_THERE;
    while (descriptorsOf(pids) < allThere && Date.now() < timeout) await delay(100);
    const held = descriptorsOf(pids);
    const during = { p99: await p99Of(read), descriptors: held, megabytes: megabytesOf(pids) };
    const mayStay = before.descriptors + target.kept[attack] + 50;
    const deadline = Date.now() + ALL_OVER;
    while (descriptorsOf(pids) > mayStay && Date.now() < deadline) await delay(500);
    const after = { descriptors: descriptorsOf(pids), megabytes: megabytesOf(pids) };
    slow.kill('SIGINT');
    await ended;

    shown(`${name}, ${attack}: before, during, after`, [before, during, after]);
    expect(held).toBeGreaterThanOrEqual(allThere);
    expect(held).toBeLessThan(before.descriptors + CONNECTIONS + 100);
    expect(during.p99).toBeLessThan(2 * before.p99);
    expect(after.descriptors).toBeLessThanOrEqual(mayStay);
    expect(during.megabytes).toBeLessThan(before.megabytes + 200);
  });
});
