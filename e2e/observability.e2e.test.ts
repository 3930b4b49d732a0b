import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { repository } from '../stack/paths.ts';
import { PrometheusClient, queriesOf } from './support/prometheus.ts';
import { eventually, graphql, logInAsAdmin, placeOrder, register, rest, urls } from './support/system.js';

const prometheus = new PrometheusClient(urls.prometheus);
const processes = {
  gateway: urls.gateway,
  'user-service': urls.userService,
  'order-service': urls.orderService,
  'payment-service': urls.paymentService,
};
const jobs = Object.keys(processes) as (keyof typeof processes)[];
const MAX_SERIES = 2_000;
const REQUESTS = 10_000;

const figuresOf = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();
const seriesIn = (figures: string): string[] =>
  figures.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

/** An order that is paid and given back, a declined one, and what is asked around them. */
async function trade(): Promise<void> {
  const [{ token }, admin] = await Promise.all([register(), logInAsAdmin()]);
  const [paid, declined] = [await placeOrder(token), await placeOrder(token)];
  await rest('POST', `/payments/${declined.paymentId}/process`, { token, body: { token: 'tok_chargeDeclined' } });
  await rest('POST', `/payments/${paid.paymentId}/process`, { token });
  await rest('POST', `/payments/${paid.paymentId}/refund`, { token: admin.token, body: {} });
  await graphql('{ orders { data { id user { id } payment { id } } } }', token);
  await graphql('mutation { logout }', token);
  for (let times = 0; times < 3; times++) {
    await fetch(`${urls.nginx}/graphql?query=${encodeURIComponent('{ __typename }')}`);
  }
}

describe('Prometheus', () => {
  beforeAll(async () => {
    await trade();
    await eventually(async () => expect((await prometheus.query('refunds_paid_amount_total')).length).toBe(1));
    await trade();
  }, 60_000);

  it('the system runs -> every target answers', async () => {
    await eventually(async () => {
      const targets = await prometheus.targets();
      expect(targets.map(({ labels, health, lastError }) => [labels.job, health, lastError]).sort()).toEqual(
        [...jobs, 'nginx', 'nginx-log', 'prometheus', 'rabbitmq', 'rabbitmq-queues']
          .sort()
          .map((job) => [job, 'up', '']),
      );
    });
  });

  it.each(readdirSync(path.join(repository, 'grafana/dashboards')))(
    'dashboard %s -> no panel without data',
    async (file) => {
      const queries = await queriesOf(path.join(repository, 'grafana/dashboards', file), prometheus);
      expect(queries.length).toBeGreaterThan(10);
      await eventually(async () => {
        const results = await Promise.all(
          queries.map(async (query) => ({ ...query, series: (await prometheus.query(query.expression)).length })),
        );
        expect(results.filter(({ series }) => series === 0)).toEqual([]);
      });
    },
  );

  it.each([
    ['orders_placed_total{currency="USD"}', 4],
    ['orders_placed_amount_total{currency="USD"}', 4 * 999.99],
    ['order_status_changes_total{previous_status="pending", status="confirmed"}', 2],
    ['payments_settled_total{status="success", method="card"}', 2],
    ['payments_settled_total{status="failed", method="card"}', 2],
    ['payments_received_amount_total{currency="USD"}', 2 * 999.99],
    ['refunds_settled_total{outcome="succeeded"}', 2],
    ['refunds_paid_amount_total{currency="USD"}', 2 * 999.99],
    ['users_registered_total', 2],
  ])('two orders were paid and given back, two declined -> %s is %d or more', async (figure, least) => {
    await eventually(async () => expect((await prometheus.query(figure))[0]?.value).toBeGreaterThanOrEqual(least));
  });

  it('nginx answers from its cache -> the hit ratio shows it', async () => {
    await eventually(async () => {
      const [ratio] = await prometheus.query('nginx:cache_hits:ratio_rate5m');
      expect(ratio?.value).toBeGreaterThan(0);
      expect(ratio?.value).toBeLessThanOrEqual(1);
    });
  });
});

describe('figures of a process', () => {
  it.each(jobs)('%s -> nothing that promtool objects to', async (job) => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await figuresOf(processes[job]),
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });

  it.each(jobs)(
    `%s, after ${REQUESTS} requests that all differ -> ${MAX_SERIES} series at most, and no id in them`,
    async (job) => {
      const paths = pathsOf(job);
      const methods = [
        'GET',
        'POST',
        'PUT',
        'PATCH',
        'DELETE',
        'HEAD',
        'OPTIONS',
        'PROPFIND',
        'MKCOL',
        'PURGE',
        'REPORT',
      ];
      const agent = new Agent({ keepAlive: true, maxSockets: 20 });
      let sent = 0;
      const send = async (): Promise<void> => {
        while (sent < REQUESTS) {
          const number = sent++;
          const template = paths[number % paths.length] ?? '/';
          const method = methods[Math.floor(number / paths.length) % methods.length] ?? 'GET';
          await ask(processes[job] + template.replace('ID', randomUUID()), method, agent);
        }
      };
      await Promise.all(Array.from({ length: 20 }, send));
      agent.destroy();

      const series = seriesIn(await figuresOf(processes[job]));
      expect(series.length).toBeGreaterThan(100);
      expect(series.length).toBeLessThanOrEqual(MAX_SERIES);
      expect(series.filter((line) => /[0-9a-f]{8}-[0-9a-f]{4}-|@|garbage|PROPFIND/.test(line))).toEqual([]);
    },
    60_000,
  );
});

/** Every route of a process, with an id that is new each time, and paths that are none. */
function pathsOf(job: keyof typeof processes): string[] {
  const common = ['/health', '/ID', '/a/ID/b', '/api/v1/ID', '/%00', '/metrics/ID'];
  if (job === 'gateway') return [...common, '/', '/graphql', '/query', '/graphql?query={ID}', '/graphiql/ID'];
  const feature = { 'user-service': 'users', 'order-service': 'orders', 'payment-service': 'payments' }[job];
  const source = readdirSync(path.join(repository, job, 'src'), { recursive: true, encoding: 'utf8' });
  const routes = source
    .filter((file) => file.endsWith('.routes.ts'))
    .flatMap((file) => [...readFileSync(path.join(repository, job, 'src', file), 'utf8').matchAll(/'(\/[\w/:-]*)'/g)])
    .map(([, route = '']) => `/api/v1/${feature}${route.replaceAll(/:\w+/g, 'ID')}`);
  expect(routes.length).toBeGreaterThan(3);
  return [...common, ...routes];
}

/** Whatever the answer is; fetch doesn't send every method. */
const ask = (url: string, method: string, agent: Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    request(url, { method, agent, headers: { 'x-request-id': `garbage-${randomUUID()}` } }, (response) => {
      response.resume().once('end', resolve);
    })
      .once('error', reject)
      .end();
  });
