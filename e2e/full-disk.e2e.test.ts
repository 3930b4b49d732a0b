import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { sendRequest } from '@shop/testing/api-client';
import pg from 'pg';
import { startStack, type RunningStack } from '../stack/start-stack.ts';
import { createSmallDisk, type SmallDisk } from '../stack/test/small-disk.ts';
import { eventually, type Answer } from './support/system.js';

const trial = createSmallDisk(1);
trial?.dispose();
const where = trial ? describe : describe.skip;

const WITHIN = 90_000;

where('a full disk below the whole system (needs root that may mount one)', () => {
  let disk: SmallDisk | undefined;
  let running: RunningStack | undefined;
  let stack: RunningStack;
  let token: string;
  const messages: string[] = [];

  const ask = (url: string, body?: object): Promise<Answer> => sendRequest(url, { token: token || undefined, body });
  const nginx = (route: string, content?: object) => ask(`${stack.urls.nginx}${route}`, content);
  const placeOrder = () =>
    nginx('/api/v1/orders', {
      items: [{ productId: 'p-1', productName: 'Book', quantity: 1, unitPrice: 10 }],
      shippingAddress: 'Street 1, 12345 Town',
    });
  const services = () => [stack.urls.userService, stack.urls.orderService, stack.urls.paymentService];
  const readiness = () => Promise.all([...services(), stack.urls.gateway].map((url) => ask(`${url}/ready`)));

  beforeAll(async () => {
    disk = createSmallDisk(450);
    if (!disk) throw new Error('a disk could be mounted a moment ago');
    token = '';
    stack = await startStack({
      directory: path.join(disk.directory, 'stack'),
      environment: { BCRYPT_COST: '4' },
      postgresSettings: {},
      prometheus: true,
      events: { message: (line) => void messages.push(line) },
    });
    running = stack;
    const { body } = await nginx('/api/v1/users/register', {
      email: 'user@example.com',
      password: 'password123',
      firstName: 'John',
      lastName: 'Doe',
    });
    token = (body.data as { token: string }).token;
    expect((await placeOrder()).status).toBe(201);
  });

  afterAll(async () => {
    await running?.stop();
    disk?.dispose();
  });

  it('while it is full -> reads are answered, nothing ends, and all say that the broker takes nothing', async () => {
    disk!.fill();
    await eventually(async () => expect(messages.at(-1)).toContain('is full'), { timeout: WITHIN });
    const reads = ['/api/v1/users/me', '/api/v1/orders', '/api/v1/payments', '/graphql?query=%7B__typename%7D'];
    for (const route of [...reads, ...reads]) expect([route, (await nginx(route)).status]).toEqual([route, 200]);
    await eventually(
      async () => {
        for (const { status, body } of await readiness()) {
          expect([status, body.status, body.dependencies?.broker]).toEqual([200, 'degraded', 'blocked']);
        }
      },
      { timeout: WITHIN },
    );
    // What fits into room that PostgreSQL has set aside before is written.
    const answers = new Set<number>();
    for (let request = 0; request < 300 && !answers.has(503); request++) answers.add((await placeOrder()).status);
    answers.delete(201);
    expect([...answers]).toEqual([503]);
    expect((await nginx('/api/v1/orders')).status).toBe(200);
    for (let query = 0; query < 30; query++) {
      expect((await fetch(`${stack.urls.prometheus}/api/v1/query?query=up`)).status).toBe(200);
    }
    expect(messages.filter((line) => line.includes('ended'))).toEqual([]);
  });

  it('with room again -> all is as before, also what had crashed, and the lost lines of the logs are counted', async () => {
    const database = new pg.Client({ connectionString: stack.environment.ORDER_DATABASE_URL });
    database.on('error', () => undefined); // it is to be lost
    await database.connect();
    const fillWriteAheadLog = async () => {
      for (let megabyte = 0; megabyte < 40; megabyte++) {
        await database.query("SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000))");
      }
    };
    await expect(fillWriteAheadLog()).rejects.toThrow();
    await eventually(async () => expect(messages).toContainEqual(expect.stringContaining('postgres-order ended')), {
      timeout: WITHIN,
    });
    for (const name of ['rabbitmq', 'nginx', 'prometheus', 'gateway']) {
      process.kill(stack.process(name).identity!.pid, 'SIGKILL');
    }

    disk!.empty();
    await eventually(
      async () => {
        for (const { status, body } of await readiness()) expect([status, body.status]).toEqual([200, 'ok']);
        expect((await placeOrder()).status).toBe(201);
        expect((await fetch(`${stack.urls.prometheus}/-/ready`)).status).toBe(200);
      },
      { timeout: WITHIN },
    );

    const metrics = await (await fetch(`${stack.urls.orderService}/metrics`)).text();
    expect(Number(/^log_lines_lost_total\{[^}]*\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
    const log = readFileSync(path.join(stack.directory, 'logs/order-service.log'), 'utf8');
    expect(log).toContain('log lines lost');
  });
});
