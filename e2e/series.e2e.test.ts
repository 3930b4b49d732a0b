import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { statusOfCode } from '@shop/common/http';
import { isCurrency } from '@shop/common/money';
import { attackedRoutes, type AttackedRoute } from '@shop/testing';
import { attackedOperations, attackedPages } from '../gateway/test/attacked-operations.ts';
import { buildSchema } from '../gateway/src/schema.ts';
import { attackedTable as orderTable } from '../order-service/test/attacked-routes.ts';
import { attackedTable as paymentTable } from '../payment-service/test/attacked-routes.ts';
import { attackedTable as userTable } from '../user-service/test/attacked-routes.ts';
import { eventually, loginAsAdmin, orderInput, placeOrder, register, rest, urls } from './support/system.js';

const MAX_SERIES = 2_000;
/** To each process. */
const REQUESTS = 10_000;
const processes = {
  gateway: { url: urls.gateway, base: '', table: {} },
  'user-service': { url: urls.userService, base: '/api/v1/users', table: userTable },
  'order-service': { url: urls.orderService, base: '/api/v1/orders', table: orderTable },
  'payment-service': { url: urls.paymentService, base: '/api/v1/payments', table: paymentTable },
};
const jobs = Object.keys(processes) as (keyof typeof processes)[];
const currencies = Intl.supportedValuesOf('currency').filter(isCurrency);
/** What a client can bring about, and what only a fault can. */
const statuses = new Set([200, 201, 202, 204, 499, ...Object.values(statusOfCode)]);
const codes = [...Object.keys(statusOfCode), 'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'QUERY_TOO_COMPLEX'];
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND', 'MKCOL', 'PURGE', 'REPORT'];

interface Sent {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

const metricsOf = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();
const seriesIn = (metrics: string): string[] =>
  metrics.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
/** The series of one name. */
const named = (series: readonly string[], name: string): string[] =>
  series.filter((line) => line.startsWith(`${name}{`));

/** Whatever the answer is; fetch doesn't send every method. */
const send = (url: string, { method, path, headers, body }: Sent, agent: Agent): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(url + path, {
      method,
      agent,
      headers: { ...headers, 'x-request-id': `garbage-${randomUUID()}` },
    });
    sent.once('response', (response) => response.resume().once('end', () => resolve(response.statusCode ?? 0)));
    sent.once('error', reject);
    sent.end(body);
  });

async function sendAll(url: string, requests: readonly Sent[]): Promise<Set<number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  const left = requests.values();
  const answered = new Set<number>();
  const worker = async (): Promise<void> => {
    for (const one of left) answered.add(await send(url, one, agent));
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  agent.destroy();
  return answered;
}

const json = { 'content-type': 'application/json' };

/** A route as somebody asks it: as it should be, with a key that was used for something else, and with all sorts of bodies. */
function variants({ method, path, headers, body, query }: AttackedRoute): Sent[] {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const withQuery = query === undefined ? path : `${path}?${new URLSearchParams(query).toString()}`;
  const plain = { method, headers: { ...headers, ...(text !== undefined && json) } };
  return [
    { ...plain, path: withQuery, ...(text !== undefined && { body: text }) },
    { ...plain, path: `${path}?unknown=1` },
    { method: 'HEAD', path, headers },
    ...(text === undefined
      ? []
      : [
          { ...plain, path, headers: { ...plain.headers, 'idempotency-key': 'the same' }, body: text },
          { ...plain, path, headers: { ...plain.headers, 'idempotency-key': 'the same' }, body: '{"amount":1}' },
          { ...plain, path, body: '{' },
          { ...plain, path, body: '[]' },
          { ...plain, path, headers: { ...headers, 'content-type': 'text/plain' }, body: text },
          { ...plain, path, body: JSON.stringify({ text: 'x'.repeat(100_001) }) },
        ]),
  ];
}

/** Every route of a process, as everybody asks it, of things that are there and that are not. */
async function known(job: keyof typeof processes): Promise<Sent[]> {
  const { base, table } = processes[job];
  const [owner, victim, admin] = [await register(), await register(), await loginAsAdmin()];
  const { orderId, paymentId } = await placeOrder(owner.token);
  const id = { gateway: '', 'user-service': victim.id, 'order-service': orderId, 'payment-service': paymentId }[job];
  const isEnding = (route: string) => /logout|password|changePassword/i.test(route);
  const bearers = [undefined, 'garbage', owner.token, admin.token];
  return bearers.flatMap((token) => {
    // What would end a login is asked by somebody whom nobody else needs.
    const headersFor = (route: string): Record<string, string> =>
      token === undefined ? {} : { authorization: `Bearer ${isEnding(route) ? victim.token : token}` };
    const routes =
      job === 'gateway'
        ? [
            ...attackedPages.map((page) => ({ ...page, headers: { ...page.headers, ...headersFor('') } })),
            ...attackedOperations(buildSchema(), {}).map((operation) => ({
              ...operation,
              headers: headersFor(JSON.stringify(operation.body)),
            })),
          ]
        : Object.entries(table).flatMap(([route, takes]) =>
            [id, randomUUID(), 'no-id'].flatMap((subject) =>
              attackedRoutes(
                base,
                { [route]: takes },
                {
                  headers: () => headersFor(route),
                  params: {
                    id: subject,
                    orderId: subject === id ? orderId : subject,
                    refundId: subject || randomUUID(),
                    provider: 'simulated',
                  },
                },
              ),
            ),
          );
    return routes.flatMap(variants);
  });
}

/** What a client makes up: methods and ids without number, at paths that are there and at others. */
function madeUp(job: keyof typeof processes, count: number): Sent[] {
  const { base, table } = processes[job];
  const routes = Object.keys(table).map((route) => `${base}${route.split(' ')[1]}`);
  const own = job === 'gateway' ? ['/', '/graphql', '/query', '/graphql?query={:id}', '/graphiql/:id'] : routes;
  const paths = ['/health', '/:id', '/a/:id/b', '/api/v1/:id', '/%00', '/metrics/:id', ...own];
  return Array.from({ length: count }, (_, number) => ({
    method: methods[Math.floor(number / paths.length) % methods.length] ?? 'GET',
    path: (paths[number % paths.length] ?? '/').replaceAll(/:\w+/g, randomUUID()),
  }));
}

/** How many series there could be if every route had been answered with every status, and all else likewise. */
function worstOf(job: keyof typeof processes, series: readonly string[]): number {
  const routes = named(series, 'http_server_request_duration_seconds_count').filter(
    (line) => !/http_route="(other|\/health|\/ready|\/metrics)"/.test(line),
  );
  const answers = named(series, 'http_server_responses_total').filter((line) =>
    routes.some((route) => labelsOf(line).startsWith(labelsOf(route))),
  );
  const fields = named(series, 'graphql_server_root_fields_total');
  const rootFields = ['query', 'mutation', 'subscription'].flatMap((kind) =>
    Object.keys(
      buildSchema()
        .getRootType(kind as never)
        ?.getFields() ?? {},
    ),
  );
  const ofCurrencies = series.filter((line) => line.includes('currency="')).length;
  const counters = { gateway: 0, 'user-service': 0, 'order-service': 2, 'payment-service': 2 }[job];
  return (
    series.length +
    (routes.length * statuses.size - answers.length) +
    (job === 'gateway' ? rootFields.length * (1 + codes.length) - fields.length : 0) +
    (counters * currencies.length - ofCurrencies)
  );
}

/** Method and route of a series. */
const labelsOf = (line: string): string => /http_request_method="[^"]*",http_route="[^"]*"/.exec(line)?.[0] ?? '';

describe.each(jobs)('the metrics of %s', (job) => {
  const { url, base, table } = processes[job];
  let answered: Set<number>;

  beforeAll(async () => {
    const routes = await known(job);
    answered = await sendAll(url, [...routes, ...madeUp(job, REQUESTS - routes.length)]);
    if (job !== 'order-service') return;
    const { token } = await register();
    const items = orderInput.items.map((item) => ({ ...item, unitPrice: 10 }));
    for (const currency of currencies) {
      const { status } = await rest('POST', '/orders', { token, body: { ...orderInput, items, currency } });
      expect(status).toBe(201);
    }
    await eventually(async () => {
      const placed = named(seriesIn(await metricsOf(url)), 'orders_placed_total');
      expect(placed.length).toBe(currencies.length);
    });
  });

  it('everything was asked by everybody -> every route and what a client can cause is among them', async () => {
    const counted = named(seriesIn(await metricsOf(url)), 'http_server_request_duration_seconds_count').map(labelsOf);
    const expected = Object.keys(table).map((route) => {
      const [method = '', path = ''] = route.split(' ');
      return `http_request_method="${method}",http_route="${base}${path === '/' ? '' : path}"`;
    });
    expect(counted).toEqual(expect.arrayContaining(expected));
    expect([...answered]).toEqual(
      expect.arrayContaining(
        job === 'gateway' ? [200, 400, 404, 405, 413, 415] : [200, 400, 401, 403, 404, 405, 413, 415],
      ),
    );
  });

  it(`${REQUESTS} requests that all differ -> ${MAX_SERIES} series at most, now and in the worst case, and no id in them`, async () => {
    const series = seriesIn(await metricsOf(url));
    expect(series.length).toBeGreaterThan(300);
    expect(worstOf(job, series)).toBeGreaterThanOrEqual(series.length);
    expect(worstOf(job, series)).toBeLessThanOrEqual(MAX_SERIES);
    expect(series.filter((line) => /[0-9a-f]{8}-[0-9a-f]{4}-|@|garbage|PROPFIND|HEAD/.test(line))).toEqual([]);
  });

  it('all of them -> nothing that promtool objects to', async () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await metricsOf(url),
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });
});
