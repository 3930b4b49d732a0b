import { readdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { repository } from '../stack/paths.ts';
import { serviceWorkspaces } from '../stack/workspaces.ts';
import { metricsIn, PrometheusClient, queriesOf } from './support/prometheus.ts';
import { eventually, graphql, loginAsAdmin, placeOrder, register, rest, urls } from './support/system.js';

const prometheus = new PrometheusClient(urls.prometheus);
const dashboards = readdirSync(path.join(repository, 'grafana/dashboards')).filter((file) => file.endsWith('.json'));
const jobs = serviceWorkspaces.map(({ name }) => name);

/** An order that is paid and given back, a declined one, and what is asked around them. */
async function trade(): Promise<void> {
  const [{ token }, admin] = await Promise.all([register(), loginAsAdmin()]);
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
    await trade();
  });

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

  it.each(dashboards)('dashboard %s -> no panel without data', async (file) => {
    const queries = await queriesOf(path.join(repository, 'grafana/dashboards', file), prometheus);
    expect(queries.length).toBeGreaterThan(10);
    await eventually(async () => {
      await trade(); // a rate needs what went on between two looks at each process
      const results = await Promise.all(
        queries.map(async (query) => ({ ...query, series: (await prometheus.query(query.expression)).length })),
      );
      expect(results.filter(({ series }) => series === 0)).toEqual([]);
    });
  });

  it('every metric that a panel or a rule names -> there is one, also where no value of it is a zero', async () => {
    const folder = path.join(repository, 'grafana/dashboards');
    const panels = await Promise.all(dashboards.map((file) => queriesOf(path.join(folder, file), prometheus)));
    const expressions = [...panels.flat().map(({ expression }) => expression), ...(await prometheus.ruleExpressions())];
    const asked = new Set(expressions.flatMap(metricsIn));
    expect([...asked]).toEqual(expect.arrayContaining(['graphql_open_subscriptions', 'messaging_retries_total', 'up']));

    await eventually(async () => {
      const there = await prometheus.metricNames();
      expect([...asked].filter((name) => !there.has(name))).toEqual([]);
    });
  });

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
  ])('two orders were paid and given back, two declined -> %s is %d or more', async (metric, least) => {
    await eventually(async () => expect((await prometheus.query(metric))[0]?.value).toBeGreaterThanOrEqual(least));
  });

  it('nginx answers five times from its cache -> five hits more, and the hit ratio shows them', async () => {
    const hits = async () =>
      (await prometheus.query('sum(nginx_http_requests_total{cache_status="HIT"})'))[0]?.value ?? 0;
    const before = await eventually(async () => {
      const found = await hits();
      expect(found).toBeGreaterThan(0);
      return found;
    });
    const url = `${urls.nginx}/graphql?query=${encodeURIComponent('{ __typename }')}`;
    await fetch(url);
    for (let times = 0; times < 5; times++) {
      expect((await fetch(url)).headers.get('x-cache-status')).toBe('HIT');
    }
    await eventually(async () => expect(await hits()).toBeGreaterThanOrEqual(before + 5));
    await eventually(async () => {
      const [ratio] = await prometheus.query('nginx:cache_hits:ratio_rate5m');
      expect(ratio?.value).toBeGreaterThan(0);
      expect(ratio?.value).toBeLessThanOrEqual(1);
    });
  });
});
