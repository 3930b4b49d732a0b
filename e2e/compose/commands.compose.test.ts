import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { eventually, loginAsAdmin, rest, settings, urls } from '../support/system.js';
import { belongings, inspect, make, makeWithInput, run } from './support/docker.js';

// Without Docker the set-up has said why nothing is tested.
const suite = process.env.COMPOSE_PROJECT_NAME ? describe : describe.skip;

const cacheStatus = async (path: string): Promise<string | null> =>
  (await fetch(`${urls.gateway}${path}`)).headers.get('x-cache-status');

const startOf = async (service: string): Promise<string | undefined> => {
  const ids = await belongings('ps', '--quiet', '--filter', `label=com.docker.compose.service=${service}`);
  const [container] = await inspect<{ State: { StartedAt: string } }>(...ids);
  return container?.State.StartedAt;
};

/** Sends payment-service a message that it can never handle, by way of RabbitMQ's management. */
async function sendNonsense(): Promise<string> {
  const id = randomUUID();
  const login = Buffer.from(`${settings.RABBITMQ_USER}:${settings.RABBITMQ_PASSWORD}`).toString('base64');
  const exchange = `http://127.0.0.1:${settings.RABBITMQ_MANAGEMENT_PORT}/api/exchanges/%2F/microservices.events`;
  const answer = await fetch(`${exchange}/publish`, {
    method: 'POST',
    headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      properties: { message_id: id, type: 'order.created', content_type: 'application/cloudevents+json' },
      routing_key: 'order.created',
      payload: '{}',
      payload_encoding: 'string',
    }),
  });
  expect(await answer.json()).toEqual({ routed: true });
  return id;
}

suite('STACK=docker make', () => {
  it('nginx-status, nginx-clear-cache -> tell what the cache holds and how often it helped, and empty it', async () => {
    await make('nginx-clear-cache');
    const schema = `/graphql?query=${encodeURIComponent('{ __schema { queryType { name } } }')}`;
    expect([await cacheStatus(schema), await cacheStatus(schema)]).toEqual(['MISS', 'HIT']);
    const status = await make('nginx-status');
    expect(status).toMatch(new RegExp(`^address +http://localhost:${settings.NGINX_PORT}$`, 'm'));
    expect(status).toMatch(/^connections +\d+ open, \d+ of them idle; \d+ since the start$/m);
    expect(status).toMatch(/^requests +\d+ since the start$/m);
    expect(status).toMatch(/^cache +1 answer, 0\.0 MB of 100 MB$/m);
    expect(status).toMatch(/^hit ratio +[1-9]\d*\.\d % of \d+ that could be public, of \d+ requests in the log$/m);

    expect(await make('nginx-clear-cache')).toContain('1 answer removed');
    expect(await cacheStatus(schema)).toBe('MISS');
  });

  it('nginx-down, nginx-up, nginx-restart -> nginx alone stops and starts, the rest is left as it is', async () => {
    const gateway = await startOf('gateway');
    await make('nginx-down');
    await expect(fetch(urls.gateway)).rejects.toThrow('fetch failed');
    const { exitCode, stdout } = await run('sh', 'stack/docker.sh', 'nginx', 'status');
    expect([exitCode, stdout]).toEqual([3, 'nginx is not running\n']);

    await make('nginx-up');
    const nginx = await startOf('nginx');
    expect((await rest('GET', '/orders')).status).toBe(401);
    await make('nginx-restart');
    expect((await rest('GET', '/orders')).status).toBe(401);
    expect(await startOf('nginx')).not.toBe(nginx);
    expect(await startOf('gateway')).toBe(gateway);
  });

  it('logs NAME -> the last lines of that one, and of no other', async () => {
    await rest('GET', '/orders');
    const log = await make('logs', 'NAME=nginx');
    expect(log).toContain('"path":"/api/v1/orders"');
    expect(log.split('\n').filter((line) => !line.includes('nginx-1  | '))).toEqual([]);
  });

  it('status -> one line a container', async () => {
    const status = await make('status');
    for (const name of ['nginx', 'gateway', 'order-service', 'postgres-order']) expect(status).toContain(name);
  });

  it('create-admin with a password on standard input -> another admin, who may log in', async () => {
    const email = `${randomUUID()}@example.com`;
    await makeWithInput('another-password\n', 'create-admin', `EMAIL=${email}`);
    const { status, body } = await rest('POST', '/users/login', { body: { email, password: 'another-password' } });
    expect([status, body.data.user.role]).toEqual([200, 'admin']);
  });

  it('reconcile -> the ledgers agree with the provider’s', async () => {
    expect(await make('reconcile')).toMatch(/compared: /);
  });

  it('dlq-list, dlq-replay -> show what no service could handle, and put it back', async () => {
    const id = await sendNonsense();
    await eventually(async () => expect(await make('dlq-list')).toContain(id), { timeout: 60_000 });
    expect(await make('dlq-replay', `ID=${id}`, 'DRY_RUN=1')).toContain('1 dead letter would be put back');
    expect(await make('dlq-replay', `ID=${id}`)).toContain('1 dead letter put back');
    await eventually(async () => expect(await make('dlq-list')).toContain(id), { timeout: 60_000 });
  });

  it('migrate-down, migrate-up -> the last migration of one database is undone and applied again', async () => {
    const applied = /\d+ applied, last \d+_\w+/g;
    const before = (await make('migrate-status')).match(applied);
    expect(before).toHaveLength(3);
    await make('migrate-down', 'SERVICE=payment');
    const { exitCode, stdout } = await run('sh', 'stack/docker.sh', 'migrate', 'status', 'payment');
    await make('migrate-up', 'SERVICE=payment');
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/^pending: \d+_\w+$/m)]);
    expect((await make('migrate-status')).match(applied)).toEqual(before);
  });

  it('another password of RabbitMQ -> valid at the next start, though its data stay', async () => {
    const statusWith = async (password: string) => {
      const login = Buffer.from(`${settings.RABBITMQ_USER}:${password}`).toString('base64');
      const page = `http://127.0.0.1:${settings.RABBITMQ_MANAGEMENT_PORT}/api/whoami`;
      return (await fetch(page, { headers: { authorization: `Basic ${login}` } })).status;
    };
    const [first = '', other] = [settings.RABBITMQ_PASSWORD, String.raw`"another" \ 50% of $5#`];
    const up = ['sh', 'stack/docker.sh', 'up', '-d'];
    expect(await run('env', `RABBITMQ_PASSWORD=${other}`, ...up)).toMatchObject({ exitCode: 0 });
    expect([await statusWith(other), await statusWith(first)]).toEqual([200, 401]);
    expect(await make('health')).not.toContain('DEGRADED');
    await make('up-d');
    await eventually(async () => expect(await statusWith(first)).toBe(200));
  });

  it('demo, seed, api-docs -> played against the containers, and described', async () => {
    expect(await make('api-docs')).toMatch(/^Gateway +http:\/\/localhost:\d+ /m);
    const reported = await make('demo');
    expect(reported).toContain('payment refunded by itself');
    expect(reported).toContain(`GraphiQL at http://localhost:${settings.GATEWAY_PORT}`);
    await make('seed');
    expect(await make('seed')).toContain('nothing was missing');
    const { token } = await loginAsAdmin();
    expect((await rest('GET', '/orders?limit=1', { token })).body.meta.total).toBeGreaterThan(5);
  });
});
