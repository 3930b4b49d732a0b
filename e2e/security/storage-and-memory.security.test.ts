import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestPool } from '@shop/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { repository } from '../../stack/paths.ts';
import { startStack, type RunningStack } from '../../stack/start-stack.ts';
import { percentile, shown } from './support/measurements.ts';

/** Of each attack on memory: what is lost a little at a time shows only after minutes. */
const SECONDS = Number(process.env.MINUTES ?? 1) * 60;
const AT_ONCE = 40;
const ALIASES = 30;
const MEGABYTE = 1_000_000;
/** What a service's container may have, in MiB. */
const compose = readFileSync(path.join(repository, 'docker-compose.yml'), 'utf8');
const MEMORY_LIMIT = Number(/^x-service: &service$[^]*?^ {2}mem_limit: (\d+)m$/m.exec(compose)?.[1]);

/** With the limits that a system has of itself: they are what is tried here. */
let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack({ environment: { LOG_LEVEL: 'warn', NGINX_RATE_LIMIT: '100000' } });
});
afterAll(() => stack.stop());

interface Answer {
  status: number;
  seconds: number;
  text: string;
}
interface Asked {
  method?: string;
  token?: string;
  body?: object;
  headers?: Record<string, string>;
  agent?: Agent;
}

const ask = (url: string, { method = 'GET', token, body, headers = {}, agent }: Asked = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const content = body && JSON.stringify(body);
    const all = {
      ...headers,
      ...(token && { authorization: `Bearer ${token}` }),
      ...(content && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(content)) }),
    };
    const sent = request(url, { method, headers: all, agent: agent ?? false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => void parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const seconds = (performance.now() - started) / 1_000;
        resolve({ status: response.statusCode ?? 0, seconds, text: Buffer.concat(parts).toString() });
      });
    });
    sent.on('error', reject);
    sent.end(content);
  });

let people = 0;
async function register(): Promise<string> {
  const body = { email: `p${people++}@example.com`, password: 'password123', firstName: 'John', lastName: 'Doe' };
  const { text } = await ask(`${stack.urls.userService}/api/v1/users/register`, { method: 'POST', body });
  return (JSON.parse(text) as { data: { token: string } }).data.token;
}

const orders = (): string => `${stack.urls.orderService}/api/v1/orders`;
const item = { productId: 'book', productName: 'A book', quantity: 1, unitPrice: 1 };
const order = { shippingAddress: '1 Main Street', items: [item] };
/** Of the longest text that is let in, and that no server makes smaller: rare characters, each any of 42,000. */
const largeText = () => String.fromCodePoint(...Array.from({ length: 255 }, () => randomInt(0x20000, 0x2a6d0)));
const largeOrder = () => ({
  shippingAddress: '1 Main Street',
  items: Array.from({ length: 100 }, () => ({ ...item, productId: largeText(), productName: largeText() })),
});

/** Places orders of 200 kB until the account may place no more. Answers how many those were. */
async function placeAll(token: string): Promise<number> {
  for (let placed = 0; ; placed++) {
    let answer = await ask(orders(), { method: 'POST', token, body: largeOrder() });
    // The rate passes within a second; the limit of unpaid orders doesn't.
    while (answer.status === 429 && answer.text.includes('Too many requests')) {
      await delay(1_000);
      answer = await ask(orders(), { method: 'POST', token, body: largeOrder() });
    }
    if (answer.status === 429) return placed;
    expect(answer.status).toBe(201);
  }
}

const sizeOf = async (database: 'ORDER' | 'PAYMENT'): Promise<number> => {
  const pool = createTestPool(stack.environment[`${database}_DATABASE_URL`] ?? '');
  const { rows } = await pool.query<{ size: string }>('SELECT pg_database_size(current_database()) AS size');
  await pool.end();
  return Number(rows[0]?.size) / MEGABYTE;
};

/** The most that a process has had since its start, in MiB. */
const mostMemory = (name: string): number => {
  const status = readFileSync(`/proc/${stack.process(name).identity?.pid ?? 'none'}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1_024;
};

/** Of REST, or of the first field that GraphQL refused. */
const outcomeOf = ({ status, text }: Answer): string =>
  /"code":"([A-Z_]+)"/.exec(text.slice(0, 1_000))?.[1] ?? String(status);

/** Asks with so many clients at a time while another shopper reads. Describes their answers, the reads, and memory. */
async function attackWith(attack: (agent: Agent) => Promise<Answer>) {
  const aloneUntil = Date.now() + 10_000;
  const before = await readsUntil(() => Date.now() > aloneUntil);
  const end = Date.now() + SECONDS * 1_000;
  const isOver = () => Date.now() > end;
  const outcomes: Record<string, number> = {};
  const clients = Array.from({ length: AT_ONCE }, async () => {
    const agent = new Agent({ keepAlive: true });
    while (!isOver()) {
      const outcome = outcomeOf(await attack(agent));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome === 'RATE_LIMITED') await delay(100);
    }
    agent.destroy();
  });
  const [during] = await Promise.all([readsUntil(isOver), ...clients]);
  const memory = { orderService: mostMemory('order-service'), gateway: mostMemory('gateway') };
  return { before, during, outcomes, memory };
}

/** Milliseconds in which a shopper's reads are answered, one after the other, until `over`. */
async function readsUntil(over: () => boolean): Promise<{ p50: number; p99: number }> {
  const token = await register();
  const agent = new Agent({ keepAlive: true });
  expect((await ask(orders(), { method: 'POST', token, body: order, agent })).status).toBe(201);
  const times: number[] = [];
  while (!over()) {
    const { status, seconds } = await ask(orders(), { token, agent });
    expect(status).toBe(200);
    times.push(seconds * 1_000);
    await delay(20);
  }
  agent.destroy();
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

it('orders of 200 kB, placed and paid by nobody -> an account fills 50 MB of databases an hour at most', async () => {
  const [ordersBefore, paymentsBefore] = [await sizeOf('ORDER'), await sizeOf('PAYMENT')];
  const placed = await placeAll(await register());
  await delay(5_000); // events are on their way
  const grown = (await sizeOf('ORDER')) - ordersBefore + (await sizeOf('PAYMENT')) - paymentsBefore;
  shown('storage: orders placed, megabytes', [{ placed, grown }]);
  expect(placed).toBeLessThan(50);
  expect(grown).toBeLessThan(50);
});

it('1,500 idempotency keys for payments that are not there -> 404, and nothing is kept', async () => {
  const token = await register();
  const before = await sizeOf('PAYMENT');
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  const url = `${stack.urls.paymentService}/api/v1/payments/0199f000-0000-7000-8000-000000000000/process`;
  for (let round = 0; round < 15; round++) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        ask(url, { method: 'POST', token, body: {}, headers: { 'idempotency-key': `${round}-${i}` }, agent }),
      ),
    );
    for (const { status } of answers) expect([404, 429]).toContain(status);
  }
  agent.destroy();
  const pool = createTestPool(stack.environment.PAYMENT_DATABASE_URL ?? '');
  const { rows } = await pool.query<{ count: string }>('SELECT count(*) AS count FROM idempotency_keys');
  await pool.end();
  const grown = (await sizeOf('PAYMENT')) - before;
  shown('keys of what is not there: rows, megabytes', [{ rows: Number(rows[0]?.count), grown }]);
  expect(rows[0]?.count).toBe('0');
  expect(grown).toBeLessThan(2);
});

function notify(what: string, { before, during, outcomes, memory }: Awaited<ReturnType<typeof attackWith>>): void {
  shown(`${what}: reads of another before, during; answers; MiB`, [before, during, outcomes, memory]);
}

/** An account with more than a hundred orders of 200 kB, placed over some hours. */
async function accountWithLargeOrders(): Promise<string> {
  const token = await register();
  const pool = createTestPool(stack.environment.ORDER_DATABASE_URL ?? '');
  for (let placed = 0; placed < 100; placed += await placeAll(token)) {
    await pool.query("UPDATE orders SET created_at = created_at - interval '2 hours'");
  }
  await pool.end();
  return token;
}

describe('an account with a hundred orders of 200 kB', () => {
  let attacker: string;
  beforeAll(async () => {
    attacker = await accountWithLargeOrders();
  }, 300_000);

  it(
    `${AT_ONCE} lists of a hundred at a time -> others read on, and memory stays below its limit`,
    async () => {
      const result = await attackWith((agent) => ask(`${orders()}?limit=100`, { token: attacker, agent }));
      notify('large lists', result);
      expect(Object.keys(result.outcomes).sort()).toEqual(['200', 'RATE_LIMITED']);
      expect(result.during.p50).toBeLessThan(3 * result.before.p50 + 5);
      expect(result.memory.orderService).toBeLessThan(MEMORY_LIMIT);
    },
    (SECONDS + 300) * 1_000,
  );

  it(
    `up to ${ALIASES} lists in aliases of a GraphQL document, ${AT_ONCE} documents at a time -> others read on, and memory stays below its limit`,
    async () => {
      const alias = (_: unknown, i: number) => `a${i}: myOrders(limit: 100, offset: ${i}) { data { id } }`;
      const documentOf = (aliases: number) => `{ ${Array.from({ length: aliases }, alias).join(' ')} }`;
      const send = (aliases: number, agent?: Agent) => {
        const body = { query: documentOf(aliases) };
        return ask(`${stack.urls.gateway}/graphql`, { method: 'POST', token: attacker, body, agent });
      };
      await delay(3_000); // the account is let in again
      const { text, seconds } = await send(ALIASES);
      expect(text).toContain('"code":"RATE_LIMITED"'); // what it reads counts by rows and bytes

      const result = await attackWith((agent) => send(randomInt(1, ALIASES + 1), agent));
      shown('lists in aliases: thirty in one document, alone', [{ seconds }]);
      notify('lists in aliases', result);
      // A document that waits for its turns too long ends by its own time.
      expect(['200', 'RATE_LIMITED', 'UPSTREAM_TIMEOUT']).toEqual(expect.arrayContaining(Object.keys(result.outcomes)));
      expect(result.during.p50).toBeLessThan(3 * result.before.p50 + 5);
      expect(result.memory.orderService).toBeLessThan(MEMORY_LIMIT);
      expect(result.memory.gateway).toBeLessThan(MEMORY_LIMIT);
    },
    (SECONDS + 300) * 1_000,
  );
});

it('GraphiQL’s script and the schema, asked for with something else each time -> nginx keeps 100 MB at most', async () => {
  const { nginx } = stack.urls;
  const page = (await ask(nginx, { headers: { accept: 'text/html' } })).text;
  const script = /src="(\/graphiql\/[^"]+\.js)"/.exec(page)?.[1] ?? '';
  const folders = ['cache', 'assets'].map((name) => path.join(stack.directory, 'nginx', name));
  const kept = (): number =>
    folders
      .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
      .reduce((sum, entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return sum + (entry.isFile() ? (statSync(file, { throwIfNoEntry: false })?.size ?? 0) : 0);
      }, 0) / MEGABYTE;
  for (let i = 0; i < 200; i++) {
    const sent = request(`${nginx}${script}?query=${i}`, { agent: false });
    sent.on('error', () => undefined);
    sent.end();
    setTimeout(() => sent.destroy(), 20);
    await delay(10);
  }
  await delay(3_000);
  const afterScript = kept();
  let largest = 0;
  const types = '__schema{types{name description fields{name description args{name description}}}}';
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        ask(`${nginx}/graphql?query=${encodeURIComponent(`{a${round}_${i}:${types}}`)}`),
      ),
    );
    largest = Math.max(largest, kept());
  }
  shown('cache: megabytes after 200 scripts, after 1,000 schemas', [{ afterScript, largest }]);
  expect(afterScript).toBeLessThan(20);
  expect(largest).toBeLessThan(100);
});
