import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, startTcpProxy, timeLimit } from '@shop/testing';
import { orderCreatedDraft } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import { createMetrics } from '../metrics/index.js';

const TAKE_OVER_TIME = 5_000;
const fixture = path.join(import.meta.dirname, '../../test/fixtures/relay.ts');

let bench: MessagingBench;
const processes = new Map<string, ChildProcess>();

beforeAll(async () => {
  bench = await MessagingBench.open();
});
afterEach(async () => {
  for (const child of processes.values()) {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  }
  processes.clear();
  await bench.reset();
});
afterAll(() => bench.close());

function startProcess(source: string): void {
  const child = spawn(process.execPath, ['--import', 'tsx', fixture], {
    env: { PATH: process.env.PATH, DATABASE_URL: bench.database.url, RABBITMQ_URL: bench.broker.url, SOURCE: source },
    stdio: 'inherit',
  });
  processes.set(source, child);
}

/** The sources of all relays that are connected to the database. */
async function connectedRelays(): Promise<string[]> {
  const { rows } = await bench.sql.query<{ source: string }>(
    `SELECT replace(application_name, 'outbox relay of ', '') AS source FROM pg_stat_activity
     WHERE application_name LIKE 'outbox relay of %' AND datname = current_database() ORDER BY source`,
  );
  return rows.map(({ source }) => source);
}

/** The sources of the events that came, by order. */
function collectSources(): Map<string, string[]> {
  const sources = new Map<string, string[]>();
  bench.startConsumer(bench.connect(), {
    'order.created': async ({ subject, source }) =>
      void sources.set(subject, [...(sources.get(subject) ?? []), source]),
  });
  return sources;
}

describe('two processes with a relay each', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'the active one gets %s -> the other publishes within 5 s',
    async (signal) => {
      const sources = collectSources();
      for (const source of ['/first', '/second']) startProcess(source);
      await eventually(async () => expect(await connectedRelays()).toEqual(['/first', '/second']));
      const before = randomUUID();
      await bench.emit([orderCreatedDraft(before)]);
      const { source: active } = await eventually(() => bench.activeRelay());
      await eventually(() => expect(sources.get(before)).toEqual([active]));

      processes.get(active)?.kill(signal);
      const killedAt = Date.now();
      const after = randomUUID();
      await bench.emit([orderCreatedDraft(after)]);
      const standby = active === '/first' ? '/second' : '/first';
      await eventually(() => expect(sources.get(after)).toEqual([standby]));
      expect(Date.now() - killedAt).toBeLessThan(timeLimit(TAKE_OVER_TIME));
      expect((await bench.activeRelay()).source).toBe(standby);
    },
  );
});

describe('a batch that takes longer than a silent session may last', () => {
  it('its confirms come late, one after another -> the relay stays the active one, and publishes each event once; the metric tells how late', async () => {
    const sources = collectSources();
    const proxy = await startTcpProxy(bench.broker.url);
    const metrics = createMetrics({ service: 'test' });
    try {
      const slow = bench.startRelay(bench.connect(proxy.url), { source: '/slow', metrics });
      const warmUp = randomUUID();
      await bench.emit([orderCreatedDraft(warmUp)], slow);
      await eventually(() => expect(sources.get(warmUp)).toEqual(['/slow']));
      const { pid } = await bench.activeRelay();
      bench.startRelay(bench.connect(), { source: '/standby' });
      await eventually(async () => expect(await connectedRelays()).toEqual(['/slow', '/standby']));

      proxy.slowDown(500);
      const orderId = randomUUID();
      const startedAt = Date.now();
      await bench.emit(
        Array.from({ length: 10 }, (_, index) => orderCreatedDraft(orderId, index + 1)),
        slow,
      );
      await eventually(async () => expect(await bench.unpublished()).toBe(0));
      expect(Date.now() - startedAt).toBeGreaterThan(5_000);
      expect((await bench.activeRelay()).pid).toBe(pid);
      await eventually(() => expect(sources.get(orderId)).toEqual(Array.from({ length: 10 }, () => '/slow')));
      expect(await bench.waiting(bench.queue.name)).toBe(0);
      const name = 'messaging_client_operation_duration_seconds';
      const metric = (await metrics.registry.getMetricsAsJSON()).find((metric) => metric.name === name);
      const valueOf = (part: string) =>
        (metric?.values as { metricName?: string; value: number }[]).find(
          ({ metricName }) => metricName === `${name}_${part}`,
        )?.value;
      expect(valueOf('count')).toBe(11);
      expect(valueOf('sum')).toBeGreaterThan(10 * 0.5);
      expect(valueOf('sum')).toBeLessThan((Date.now() - startedAt) / 1_000 + 10);
    } finally {
      proxy.slowDown(0);
      await bench.reset();
      await proxy.stop();
    }
  });
});

describe('many events of as many aggregates', () => {
  it('no confirm has come yet -> 200 are in flight, and no more', async () => {
    const proxy = await startTcpProxy(bench.broker.url);
    try {
      const connection = bench.connect(proxy.url);
      const relay = bench.startRelay(connection);
      await eventually(() => expect([connection.state(), relay.state()]).toEqual(['up', 'ok']));
      proxy.slowDown(1_500);
      await bench.emit(
        Array.from({ length: 450 }, () => orderCreatedDraft()),
        relay,
      );
      let most = 0;
      for (;;) {
        const sent = await bench.waiting(bench.queue.name);
        if ((await bench.unpublished()) < 450) break;
        most = Math.max(most, sent);
      }
      expect(most).toBe(200);
      proxy.slowDown(0);
      await eventually(async () => expect(await bench.unpublished()).toBe(0));
      expect(await bench.waiting(bench.queue.name)).toBe(450);
    } finally {
      await bench.reset();
      await proxy.stop();
    }
  });
});
