import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { createTestPool } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  allowInsecureRequests,
  discoveryRequest,
  processDiscoveryResponse,
  validateJwtAccessToken,
} from 'oauth4webapi';
import { markedProcesses } from '../../stack/processes.ts';
import { startStack, type RunningStack } from '../../stack/start-stack.ts';
import type { Answer } from '../support/system.js';

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack({ environment: { LOG_LEVEL: 'warn' }, adminer: true, prometheus: true });
});
afterAll(() => stack.stop());

const isRoot = process.getuid?.() === 0;
const portOf = (name: string): number => Number(stack.environment[`${name}_PORT`]);

/** The status of what a server answers to these headers. */
async function statusOf(name: string, headers: string[], target = '/'): Promise<number> {
  const socket = connect(portOf(name), '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\n${[...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`);
  return Number(/^HTTP\/1\.1 (\d+) /.exec(await text(socket))?.[1]);
}

const node = ['GATEWAY', 'USER_SERVICE', 'ORDER_SERVICE', 'PAYMENT_SERVICE'];
const pages = ['ADMINER', 'PROMETHEUS', 'RABBITMQ_MANAGEMENT'];

describe('a web page elsewhere', () => {
  it.each(['NGINX', 'NGINX_STATUS', ...node, ...pages])('lets its name point at %s -> 421', async (name) => {
    expect(await statusOf(name, ['Host: evil.test'])).toBe(421);
  });

  it.each([
    ['RABBITMQ_MANAGEMENT_INTERNAL', '/api/overview'],
    ['PROMETHEUS_INTERNAL', '/api/v1/targets'],
  ])('lets its name point at %s, behind the guard -> 401', async (name, target) => {
    expect(await statusOf(name, ['Host: evil.test'], target)).toBe(401);
    const known = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
    expect(await statusOf(name, ['Host: evil.test', `Authorization: ${known}`], target)).toBe(401);
  });

  it.each(node)('says two Hosts, or another one in the address, at %s -> 400', async (name) => {
    expect(await statusOf(name, ['Host: localhost', 'Host: evil.test'])).toBe(400);
    expect(await statusOf(name, ['Host: localhost'], 'http://evil.test/health')).toBe(400);
  });

  it('asks Prometheus from a browser -> may not read the answer', async () => {
    const answer = await fetch(`${stack.urls.prometheus}/api/v1/targets`, { headers: { origin: 'http://evil.test' } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });
});

describe('a local user', () => {
  const statusFileOf = (pid: number, name: string): string =>
    new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

  (isRoot ? it : it.skip)('breaks into what root has started -> none of it is root’s, but nginx’s master', () => {
    const started = markedProcesses(stack.directory).map(({ pid }) => pid);
    expect(started.length).toBeGreaterThan(12);
    const master = stack.process('nginx').identity?.pid ?? NaN;
    expect(started.filter((pid) => pid !== master && statusFileOf(pid, 'Uid') === '0')).toEqual([]);
    expect(started.filter((pid) => statusFileOf(pid, 'NoNewPrivs') !== '1')).toEqual([]);
    const sixOfAll = '00000000000004e3'; // chown, dac_override, kill, setgid, setuid, net_bind_service
    expect(statusFileOf(master, 'CapBnd')).toBe(sixOfAll);
    const users = node.map((name) => statusFileOf(processOf(name), 'Uid'));
    expect(new Set(users).size).toBe(node.length); // none reads what another one holds
  });
  const processOf = (name: string): number => stack.process(name.toLowerCase().replace('_', '-')).identity?.pid ?? NaN;

  it('looks for logs, RabbitMQ’s users and sessions of Adminer -> can’t read them', () => {
    const kept = ['rabbitmq/home', 'rabbitmq/mnesia', 'rabbitmq/log', 'logs', 'adminer-page/sessions'];
    const open = kept.filter((folder) => (statSync(path.join(stack.directory, folder)).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  });

  it.each(['USER', 'ORDER', 'PAYMENT'])(
    'is let into a database as %s’s service -> no file, no program',
    async (name) => {
      const pool = createTestPool(serviceUrl(name));
      for (const attack of ["SELECT pg_read_file('/etc/passwd')", "COPY (SELECT 1) TO PROGRAM 'id'"]) {
        await expect(pool.query(attack)).rejects.toMatchObject({ code: '42501' }); // insufficient_privilege
      }
      await pool.end();
    },
  );
  const serviceUrl = (name: string): string => {
    const url = new URL(stack.environment[`${name}_DATABASE_URL`] ?? '');
    url.username = stack.environment[`${name}_DB_USER`] ?? '';
    url.password = stack.environment[`${name}_DB_PASSWORD`] ?? '';
    return url.href;
  };

  (isRoot ? it : it.skip)('is let in as PostgreSQL’s superuser -> its programs run as a system user', async () => {
    const pool = createTestPool(stack.environment.ORDER_DATABASE_URL ?? '');
    await pool.query('CREATE TEMPORARY TABLE uid (id text)');
    await pool.query("COPY uid FROM PROGRAM 'id -u'");
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM uid');
    await pool.end();
    expect(rows).toEqual([{ id: expect.stringMatching(/^[1-9]\d*$/) }]);
  });
});

it('a strict library that knows the issuer alone -> verifies our tokens', async () => {
  const issuer = new URL(stack.environment.JWT_ISSUER ?? '');
  const overHttp = { [allowInsecureRequests]: true } as const;
  const server = await processDiscoveryResponse(
    issuer,
    await discoveryRequest(issuer, { algorithm: 'oauth2', ...overHttp }),
  );
  const registered: Answer = await sendRequest(`${stack.urls.nginx}/api/v1/users/register`, {
    body: { email: 'a@example.com', password: 'password123', firstName: 'John', lastName: 'Doe' },
  });
  const token = registered.body.data.token as string;
  const request = new Request('https://elsewhere.example/', { headers: { authorization: `Bearer ${token}` } });
  const claims = await validateJwtAccessToken(server, request, stack.environment.JWT_AUDIENCE ?? '', overHttp);
  expect(claims).toMatchObject({ iss: stack.environment.JWT_ISSUER, client_id: 'shop' });
});
