import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from '../../stack/paths.ts';
import { eventually, graphql, placeOrder, register, rest, settings } from '../support/system.js';
import { belongings, docker, inspect, run, stack } from './support/docker.js';

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
const base = /^FROM (\S+)/m.exec(readFileSync(path.join(repository, 'gateway/Dockerfile'), 'utf8'))?.[1] ?? '';
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
    expect(health).toContain('"dependencies":{"database":"up","broker":"up","outbox":"up"}');
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

  it('Prometheus -> reaches all that it asks, and knows the requests that nginx answered', async () => {
    await rest('GET', '/orders');
    await eventually(async () => {
      const { activeTargets } = await askPrometheus<{ activeTargets: Target[] }>('targets');
      expect(activeTargets.length).toBeGreaterThanOrEqual(8);
      expect(activeTargets.filter(({ health }) => health !== 'up')).toEqual([]);
      const refused = 'query?query=nginx_http_requests_total{status="401"}';
      expect((await askPrometheus<{ result: unknown[] }>(refused)).result).toHaveLength(1);
    }, 90_000);
  });

  it('each container -> no root, nothing to write to, no capability, bounded memory and logs, ports for this machine alone', async () => {
    const all = await containers();
    expect(all.length).toBeGreaterThanOrEqual(14);
    for (const container of all) {
      const { HostConfig } = container;
      expect([serviceOf(container), HostConfig]).toEqual([
        serviceOf(container),
        expect.objectContaining({
          ReadonlyRootfs: true,
          CapDrop: ['ALL'],
          SecurityOpt: ['no-new-privileges:true'],
          LogConfig: expect.objectContaining({ Config: { 'max-size': '10m', 'max-file': '3' } }),
        }),
      ]);
      expect(HostConfig.Memory).toBeGreaterThan(0);
      for (const bindings of Object.values(HostConfig.PortBindings)) {
        for (const { HostIp } of bindings ?? []) expect(HostIp).toBe('127.0.0.1');
      }
      if (!container.State.Running) continue;
      expect([container.Name, await docker('exec', container.Name.slice(1), 'id', '-u')]).not.toEqual([
        container.Name,
        '0',
      ]);
      expect((await run('docker', 'exec', container.Name.slice(1), 'touch', '/etc/made-here')).exitCode).not.toBe(0);
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
          'cd /app && ls -d node_modules/* node_modules/@*/* */node_modules/* && find . -name node_modules -prune -o \\( -name ".env*" -o -name "*.test.*" -o -name src \\) -print',
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
    await eventually(async () => {
      const [started] = await inspect<Container>(id);
      expect(started?.State.Health?.Status).toBe('healthy');
    }, 300_000);
  });

  it('a service killed -> it is started again, and nginx finds it', async () => {
    const { token } = await register();
    const id = await containerOf('order-service');
    const [before] = await inspect<Container>(id);
    const killIt =
      "for p in /proc/[0-9]*; do if grep -q '[d]ist/main.js' $p/cmdline; then kill -9 ${p#/proc/}; fi; done";
    await docker('exec', id, 'sh', '-c', killIt);
    await eventually(async () => {
      const [killed] = await inspect<Container>(id);
      expect(killed).toMatchObject({ RestartCount: (before?.RestartCount ?? 0) + 1, State: { Running: true } });
      expect((await rest('GET', '/orders', { token })).status).toBe(200);
    }, 120_000);
  });

  it('down, and up again -> nothing but the volumes is left meanwhile, and the data are there', async () => {
    const account = await register();
    const { orderId } = await placeOrder(account.token);
    await stack('down');
    expect(await belongings('ps', '--all', '--quiet')).toEqual([]);
    expect(await belongings('network', 'ls', '--quiet')).toEqual([]);
    const volumes = await belongings('volume', 'ls', '--format', '{{.Label "com.docker.compose.volume"}}');
    expect(new Set(volumes)).toEqual(
      new Set(['user-data', 'order-data', 'payment-data', 'rabbitmq-data', 'prometheus-data']),
    );

    await stack('up', '-d');
    const { email, password } = account;
    const again = await rest('POST', '/users/login', { body: { email, password } });
    const order = await rest('GET', `/orders/${orderId}`, { token: again.body.data.token });
    expect(order).toMatchObject({ status: 200, body: { data: { id: orderId, status: 'pending' } } });
  });

  it('asked which migrations are applied -> each database agrees with its service', async () => {
    const status = await stack('migrate', 'status');
    expect(status.match(/\d+ applied, last \d+_\w+/g)).toHaveLength(3);
  });
});
