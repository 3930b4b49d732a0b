import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import { z } from 'zod';

const fixture = path.resolve('common/test/fixtures/workers.ts');
const who = z.object({ number: z.int(), pid: z.int() });

interface Service {
  lines: string[];
  errors: () => string;
  kill: (signal: NodeJS.Signals) => void;
  ended: Promise<unknown[]>;
  /** Over a connection of its own, so that any worker may be reached. */
  ask: (url: string) => Promise<unknown>;
}

const running: Service[] = [];

function startService(environment: Record<string, string>): Service {
  const child = spawn(process.execPath, ['--import', 'tsx', fixture], {
    env: { PATH: process.env.PATH, MODE: 'normal', WORKERS: '2', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const ask = async (url: string): Promise<unknown> => {
    const { port } = z.object({ port: z.int() }).parse(JSON.parse(lines[0] ?? '{}'));
    // A connection that was handed to a worker that is gone gets no answer.
    const signal = AbortSignal.timeout(5_000);
    const request = http.get({ host: '127.0.0.1', port, path: url, agent: false, signal });
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    return JSON.parse((await answer.toArray()).join('')) as unknown;
  };
  const service = {
    lines,
    errors: () => errors,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    ended: once(child, 'exit'),
    ask,
  };
  running.push(service);
  return service;
}

async function startBoth(): Promise<Service> {
  const service = startService({});
  await eventually(() => expect(service.lines).toHaveLength(2), { timeout: 30_000 });
  return service;
}

/** Of each worker that answers one of some requests. */
async function pidsOf(service: Service): Promise<Map<number, number>> {
  const answers = await Promise.all(Array.from({ length: 10 }, () => service.ask('/who')));
  return new Map(answers.map((answer) => who.parse(answer)).map(({ number, pid }) => [number, pid]));
}

afterEach(async () => {
  for (const { kill, ended } of running.splice(0)) {
    kill('SIGKILL');
    await ended;
  }
});

describe('two workers', () => {
  it('-> share a port, what they count, and what they measure', async () => {
    const service = await startBoth();
    expect([...(await pidsOf(service)).keys()].toSorted()).toEqual([1, 2]);

    const totals = await Promise.all(Array.from({ length: 50 }, () => service.ask('/count')));
    expect(totals.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));

    const metrics = z.array(z.string()).parse(await service.ask('/metrics'));
    expect(metrics.toSorted()).toEqual(['metrics of 1', 'metrics of 2']);
  });

  it('one is killed -> the other serves, and one with its number takes its place', async () => {
    const service = await startBoth();
    const before = await pidsOf(service);
    process.kill(before.get(2) ?? 0, 'SIGKILL');
    await eventually(
      async () => {
        const after = await pidsOf(service);
        expect(after.get(1)).toBe(before.get(1));
        expect(after.get(2)).toBeDefined();
        expect(after.get(2)).not.toBe(before.get(2));
      },
      { timeout: 30_000 },
    );
    expect(JSON.parse(service.errors())).toMatchObject({
      level: 'error',
      message: 'worker ended, another one takes its place',
      worker: 2,
      signal: 'SIGKILL',
    });
  });

  it('SIGTERM at their primary -> both stop in order, and it ends with 0', async () => {
    const service = await startBoth();
    service.kill('SIGTERM');
    expect(await service.ended).toEqual([0, null]);
    expect(service.lines.slice(2).toSorted()).toEqual(['{"stopped":1}', '{"stopped":2}']);
    expect(service.errors()).toBe('');
  });

  it('one can not start -> the other is stopped, and all ends with 1', async () => {
    const service = startService({ MODE: 'second-fails' });
    expect(await service.ended).toEqual([1, null]);
    expect(service.errors()).toContain('no database');
    expect(service.errors()).toContain('worker 2 ended with 1');
  });
});
