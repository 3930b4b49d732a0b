import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from '../../stack/paths.ts';
import { eventually, graphql, placeOrder, register, rest, settings } from '../support/system.js';
import {
  belongings,
  composed,
  docker,
  inspect,
  make,
  run,
  stack,
  watchContainers,
  type Happening,
} from './support/docker.js';

interface Container {
  Name: string;
  RestartCount: number;
  Config: { User: string; Env: string[]; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    Memory: number;
    LogConfig: { Config: Record<string, string> };
    PortBindings: Record<string, { HostIp: string }[] | null>;
  };
  State: { ExitCode: number; Running: boolean; Health?: { Status: string } };
}

interface Target {
  labels: { job: string };
  health: string;
}

interface Image {
  Size: number;
  Config: { User: string; Env: string[] };
}

const services = ['user-service', 'order-service', 'payment-service', 'gateway'];
const base = /^FROM (\S+)/m.exec(readFileSync(path.join(repository, 'Dockerfile'), 'utf8'))?.[1] ?? '';
const secrets = ['JWT_PRIVATE_KEY', 'REFRESH_TOKEN_SECRET', 'ADMIN_PASSWORD', 'POSTGRES_PASSWORD'];

const serviceOf = ({ Config }: Container): string => Config.Labels['com.docker.compose.service'] ?? '';
const containers = async (): Promise<Container[]> =>
  inspect<Container>(...(await belongings('ps', '--all', '--quiet')));
const containerOf = async (service: string): Promise<string> => {
  const [id = ''] = await belongings(
    'ps',
    '--all',
    '--quiet',
    '--filter',
    `label=com.docker.compose.service=${service}`,
  );
  return id;
};
async function askPrometheus<T>(path: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${settings.PROMETHEUS_PORT}/api/v1/${path}`);
  const { data } = (await response.json()) as { data: T };
  return data;
}
const developmentPackages = (): string[] => {
  const { devDependencies } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  return Object.keys(devDependencies);
};

const profiles = (process.env.COMPOSE_PROFILES ?? '').split(',');
const withMetrics = profiles.includes('metrics') || profiles.includes('observability');
/** Their images are a program and nothing else. */
const withoutShell = ['nginx-log', 'jaeger', 'loki', 'log-collector'];
const bounded = { 'max-size': '10m', 'max-file': '3' };
const boundedCache = { 'cache-max-size': '10m', 'cache-max-file': '3' };
const sendsLogs = (container: Container): boolean =>
  profiles.includes('observability') && !['loki', 'log-collector'].includes(serviceOf(container));
const healthy = 'health_status: healthy';
const cannotRun = [126, 127];

/** The users of all processes of a container, as the engine's machine sees them. */
async function usersOf({ Name }: Container): Promise<string[]> {
  const [, ...processes] = (await docker('top', Name.slice(1), '-eo', 'pid,uid')).split('\n');
  return processes.map((line) => line.trim().split(/ +/)[1] ?? '');
}

/** What comes of it when root, in a running container, tries to make a file; nothing where that has no shell to try it with. */
async function writeAttempt({ Name }: Container): Promise<string | undefined> {
  const inShell = ['exec', '--user', '0', Name.slice(1), 'sh', '-c'];
  if (cannotRun.includes((await run('docker', ...inShell, ':')).exitCode)) return undefined;
  const { exitCode, stderr } = await run('docker', ...inShell, 'touch /made-here');
  return exitCode === 0 ? 'written' : stderr;
}

const last = (events: Happening[], service: string, what: string): number =>
  events.findLast((event) => event.service === service && event.what === what)?.at ?? NaN;

// Without Docker the set-up has said why nothing is tested.
const suite = process.env.COMPOSE_PROJECT_NAME ? describe : describe.skip;

suite('the system in containers', () => {
  it('started -> every part is healthy, and the migrations have ended well', async () => {
    const health = await stack('health');
    expect(health).not.toContain('DOWN');
    for (const name of [...services, 'nginx', 'rabbitmq', 'postgres-user', 'postgres-order', 'postgres-payment']) {
      expect(health).toMatch(new RegExp(`^${name} +healthy`, 'm'));
    }
    for (const name of ['user', 'order', 'payment']) expect(health).toMatch(new RegExp(`^migrate-${name} +done`, 'm'));
    expect(health).toMatch(
      /^order-service .*"status":"ok","dependencies":\{"database":"up","broker":"up","outbox":"up"/m,
    );
  });

  it('an order through nginx -> placed, paid, confirmed', async () => {
    const { token } = await register();
    const { orderId, paymentId } = await placeOrder(token);
    const paid = await graphql(
      `
        mutation ($id: ID!) {
          processPayment(id: $id) {
            status
          }
        }
      `,
      token,
      { id: paymentId },
    );
    expect(paid.body.data.processPayment.status).toBe('success');
    expect(paid.headers.get('x-cache-status')).not.toBeNull();
    await eventually(async () => {
      expect((await rest('GET', `/orders/${orderId}`, { token })).body.data.status).toBe('confirmed');
    });
  });

  (withMetrics ? it : it.skip)(
    'Prometheus -> reaches all that it asks, and knows the requests that nginx answered',
    async () => {
      await rest('GET', '/orders');
      await eventually(
        async () => {
          const { activeTargets } = await askPrometheus<{ activeTargets: Target[] }>('targets');
          expect(activeTargets.length).toBeGreaterThanOrEqual(8);
          expect(activeTargets.filter(({ health }) => health !== 'up')).toEqual([]);
          const refused = 'query?query=nginx_http_requests_total{status="401"}';
          expect((await askPrometheus<{ result: unknown[] }>(refused)).result).toHaveLength(1);
        },
        { timeout: 90_000 },
      );
    },
  );

  it('each container -> no root, nothing to write to, no capability, bounded memory and logs, ports for this machine alone', async () => {
    const all = await containers();
    const { services: expected } = await composed();
    expect(all.map(serviceOf).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const container of all) {
      const { HostConfig } = container;
      expect([serviceOf(container), HostConfig]).toEqual([
        serviceOf(container),
        expect.objectContaining({
          ReadonlyRootfs: true,
          CapDrop: ['ALL'],
          SecurityOpt: ['no-new-privileges:true'],
          LogConfig: expect.objectContaining({
            Config: sendsLogs(container) ? expect.objectContaining(boundedCache) : bounded,
          }),
        }),
      ]);
      expect(HostConfig.Memory).toBeGreaterThan(0);
      for (const bindings of Object.values(HostConfig.PortBindings)) {
        for (const { HostIp } of bindings ?? []) expect(HostIp).toBe('127.0.0.1');
      }
      if (!container.State.Running) continue;
      const users = await usersOf(container);
      expect(users).not.toEqual([]);
      expect([container.Name, users]).not.toEqual([container.Name, expect.arrayContaining(['0'])]);
      const outcome = await writeAttempt(container);
      if (outcome === undefined) expect(withoutShell).toContain(serviceOf(container));
      else
        expect([container.Name, outcome]).toEqual([container.Name, expect.stringContaining('Read-only file system')]);
    }
  });

  it.each(services)(
    'the image of %s -> production packages alone, 150 MB at most, no secrets, another user than root',
    async (name) => {
      const [[image], [below]] = await Promise.all([inspect<Image>(`shop-${name}`), inspect<Image>(base)]);
      expect((image?.Size ?? Infinity) - (below?.Size ?? 0)).toBeLessThan(150_000_000);
      expect(image?.Config.User).toBe('node');
      const variables = image?.Config.Env.map((entry) => entry.split('=')[0]);
      expect(variables).toEqual(expect.arrayContaining(['NODE_ENV', 'HOST']));
      expect(variables).not.toEqual(expect.arrayContaining([expect.stringMatching(/SECRET|PASSWORD|KEY|_URL/)]));

      const listing = await docker(
        ...['run', '--rm', '--entrypoint', 'sh', `shop-${name}`],
        ...[
          '-c',
          'cd /app && ls -d node_modules/* node_modules/@*/* */node_modules/* && find . -name node_modules -prune -o \\( -name ".env*" -o -name "*.test.*" -o -name src -o -name testing -o -name test \\) -print',
        ],
      );
      const installed = listing.split('\n').map((entry) => entry.replace(/^.*node_modules\//, ''));
      expect(installed).toContain('express');
      const shared = ['amqplib', 'pg']; // among the development packages for the tests, too
      expect(installed.filter((entry) => developmentPackages().includes(entry) && !shared.includes(entry))).toEqual([]);
      expect(installed).not.toContain('@prisma/engines');
      expect(listing).not.toMatch(/^\.\//m); // what `find` found
    },
  );

  it('each service -> is given its own secrets, and those of no other', async () => {
    const known = (await containers()).map((container) => ({
      service: serviceOf(container),
      secrets: secrets.filter((name) => container.Config.Env.some((entry) => entry.startsWith(`${name}=`))),
    }));
    for (const { service, secrets: given } of known) {
      const expected =
        service === 'user-service' ? secrets.slice(0, 3) : service.startsWith('postgres-') ? secrets.slice(3) : [];
      expect([service, given]).toEqual([service, expected]);
    }
  });

  it.each(services)(
    'the image of %s, run without settings -> takes itself to be in production, and refuses',
    async (name) => {
      const { exitCode, stderr } = await run('docker', 'run', '--rm', '--network', 'none', `shop-${name}`);
      expect(exitCode).toBe(1);
      expect(stderr).toContain('settings: RABBITMQ_URL is missing');
    },
  );

  it.each(services)('%s, asked to stop -> ends with 0 within 10 s, and comes back', async (name) => {
    const id = await containerOf(name);
    const asked = Date.now();
    await docker('stop', '--time', '30', id);
    expect(Date.now() - asked).toBeLessThan(10_000);
    const [stopped] = await inspect<Container>(id);
    expect(stopped?.State).toMatchObject({ Running: false, ExitCode: 0 });
    await docker('start', id);
    await eventually(
      async () => {
        const [started] = await inspect<Container>(id);
        expect(started?.State.Health?.Status).toBe('healthy');
      },
      { timeout: 300_000 },
    );
  });

  it('a service killed -> it is started again, and nginx finds it', async () => {
    const { token } = await register();
    const id = await containerOf('order-service');
    const [before] = await inspect<Container>(id);
    const killIt =
      "for p in /proc/[0-9]*; do if grep -q '[d]ist/main.js' $p/cmdline; then kill -9 ${p#/proc/}; fi; done";
    await docker('exec', id, 'sh', '-c', killIt);
    await eventually(
      async () => {
        const [killed] = await inspect<Container>(id);
        expect(killed).toMatchObject({ RestartCount: (before?.RestartCount ?? 0) + 1, State: { Running: true } });
        expect((await rest('GET', '/orders', { token })).status).toBe(200);
      },
      { timeout: 120_000 },
    );
  });

  it('down -> nothing but the volumes is left; infra -> the servers alone; restart -> all of it, and the data are there', async () => {
    const account = await register();
    const { orderId } = await placeOrder(account.token);
    await stack('down');
    expect(await belongings('ps', '--all', '--quiet')).toEqual([]);
    expect(await belongings('network', 'ls', '--quiet')).toEqual([]);
    const volumes = await belongings('volume', 'ls', '--format', '{{.Label "com.docker.compose.volume"}}');
    const mounts = Object.values((await composed()).services).flatMap(({ volumes: mounted = [] }) => mounted);
    const named = mounts.filter(({ type }) => type === 'volume').map(({ source }) => source);
    expect(volumes.toSorted()).toEqual([...new Set(named)].toSorted());

    await make('infra');
    const servers = ['adminer', 'postgres-order', 'postgres-payment', 'postgres-user', 'rabbitmq', 'rabbitmq-page'];
    expect((await containers()).map(serviceOf).toSorted()).toEqual(servers);

    await make('restart');
    const { email, password } = account;
    const again = await rest('POST', '/users/login', { body: { email, password } });
    const order = await rest('GET', `/orders/${orderId}`, { token: again.body.data.token });
    expect(order).toMatchObject({ status: 200, body: { data: { id: orderId, status: 'pending' } } });
  });

  it('a start -> migrations after their database, services after their migrations, the gateway after them, then nginx', async () => {
    await stack('down');
    const watched = watchContainers();
    try {
      await stack('up', '-d');
      const before: [[string, string], [string, string]][] = [
        ...['user', 'order', 'payment'].flatMap((name): [[string, string], [string, string]][] => [
          [
            [`postgres-${name}`, healthy],
            [`migrate-${name}`, 'start'],
          ],
          [
            [`migrate-${name}`, 'die 0'],
            [`${name}-service`, 'start'],
          ],
          [
            [`${name}-service`, healthy],
            ['gateway', 'start'],
          ],
        ]),
        [
          ['gateway', healthy],
          ['nginx', 'start'],
        ],
      ];
      await eventually(() => {
        const events = watched.happened();
        const wrong = before.filter(([first, next]) => !(last(events, ...first) < last(events, ...next)));
        expect(wrong).toEqual([]);
        return Promise.resolve();
      });
    } finally {
      watched.stop();
    }
  });
});
