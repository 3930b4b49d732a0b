// What stands in k8s/ and docker-compose.yml, for tests. Overlays are not rendered: that takes kubectl, see `make test-k8s`.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseEnvironmentText } from '../environment-text.ts';
import { repository } from '../paths.ts';

const reference = z.object({ name: z.string(), key: z.string(), optional: z.boolean().default(false) });

const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }).optional(),
  tcpSocket: z.object({ port: z.string() }).optional(),
  exec: z.object({ command: z.array(z.string()) }).optional(),
  periodSeconds: z.number(),
  failureThreshold: z.number(),
});

const container = z.object({
  name: z.string(),
  image: z.string(),
  imagePullPolicy: z.string(),
  env: z
    .array(
      z.object({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z.object({ secretKeyRef: reference.optional(), configMapKeyRef: reference.optional() }).optional(),
      }),
    )
    .default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  securityContext: z.record(z.string(), z.unknown()),
});

const pod = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    serviceAccountName: z.string(),
    automountServiceAccountToken: z.boolean(),
    enableServiceLinks: z.boolean(),
    terminationGracePeriodSeconds: z.number().optional(),
    securityContext: z.record(z.string(), z.unknown()),
    topologySpreadConstraints: z.array(z.object({ topologyKey: z.string() })).default([]),
    containers: z.array(container).length(1),
  }),
});

const workload = z.object({
  kind: z.enum(['Deployment', 'StatefulSet', 'Job']),
  metadata: z.object({ name: z.string() }),
  spec: z.object({ replicas: z.number().optional(), strategy: z.unknown().optional(), template: pod }),
});

const manifest = z.looseObject({
  kind: z.string(),
  metadata: z.object({ name: z.string() }).optional(),
  spec: z.record(z.string(), z.unknown()).optional(),
});

export type Manifest = z.infer<typeof manifest>;
export type Workload = z.infer<typeof workload>;
export type Container = z.infer<typeof container>;

export const readFile = (file: string): string => readFileSync(path.join(repository, file), 'utf8');

/** Every object in a folder of k8s/, kustomizations among them. */
export function manifestsIn(folder: string): Manifest[] {
  const files = globSync(`k8s/${folder}/**/*.yaml`, { cwd: repository }).filter(
    (file) => !file.startsWith('k8s/build/'),
  );
  return files.toSorted().flatMap((file) =>
    parseAllDocuments(readFile(file)).map((document) => {
      if ('errors' in document && document.errors.length > 0) throw new Error(`${file}: ${String(document.errors[0])}`);
      return manifest.parse('toJS' in document ? document.toJS() : document);
    }),
  );
}

/** The Deployments, StatefulSets and Jobs of a folder of k8s/, by name. */
export function workloadsIn(folder: string): Map<string, Workload> {
  const found = manifestsIn(folder).filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job'].includes(kind));
  return new Map(found.map((one) => workload.parse(one)).map((one) => [one.metadata.name, one]));
}

export function containerOf({ spec }: Workload): Container {
  const [only] = spec.template.spec.containers;
  if (only === undefined) throw new Error('a pod without a container');
  return only;
}

/** The values of a generated ConfigMap of the base, by its name. */
export const configOf = (name: string): Record<string, string> =>
  parseEnvironmentText(readFile(`k8s/base/config/${name}.env`));

/** The names of the variables that a container gets. */
export const variablesOf = ({ env, envFrom }: Container): string[] =>
  [
    ...envFrom.flatMap(({ configMapRef }) => Object.keys(configOf(configMapRef.name))),
    ...env.map(({ name }) => name),
  ].toSorted();

const composeService = z.object({
  image: z.string(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).default({}),
  build: z.object({ args: z.object({ WORKSPACE: z.string(), PORT: z.number() }) }).optional(),
  mem_limit: z.string().optional(),
  stop_grace_period: z.string().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});

export type ComposeService = z.infer<typeof composeService>;

/** The services of docker-compose.yml, with what their fragments say. */
export function composeServices(): Record<string, ComposeService> {
  const file: unknown = parse(readFile('docker-compose.yml'), { merge: true });
  return z.object({ services: z.record(z.string(), composeService) }).parse(file).services;
}
