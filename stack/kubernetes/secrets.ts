// The Secrets of a deployment: `node stack/kubernetes/secrets.ts CONTEXT NAMESPACE OVERLAY`. Each is made once, and kept.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { fillKeys } from '../environment-file.ts';
import { parseEnvironmentText } from '../environment-text.ts';
import { StackError } from '../errors.ts';
import { runMain } from '../run-main.ts';
import { databaseNames } from '../workspaces.ts';

type Content = Record<string, string>;

interface Wanted {
  name: string;
  type?: 'kubernetes.io/basic-auth';
  /** What is made, as often as it is asked. */
  make: () => Content;
}

/** A Secret, or what an existing one lacks. */
export interface SecretManifest {
  apiVersion: 'v1';
  kind: 'Secret';
  type?: string;
  metadata: { name: string; labels?: Record<string, string> };
  stringData: Content;
}

/** The keys that are there already, by the name of their Secret. */
export type Present = ReadonlyMap<string, readonly string[]>;

const fresh = (): string => randomBytes(32).toString('base64url');

const role = (name: string, username: string, more: Content = {}): Wanted => ({
  name,
  type: 'kubernetes.io/basic-auth',
  make: () => ({ username, password: fresh(), ...more }),
});

const keyPair: Wanted = { name: 'jwt', make: () => parseEnvironmentText(fillKeys('')) };

const roles = databaseNames.flatMap((name) => [
  role(`${name}-db-owner`, `${name}_owner`),
  role(`${name}-db-service`, `${name}_service`),
]);

const whole: Wanted[] = [
  ...databaseNames.map((name) => role(`postgres-${name}-superuser`, 'postgres')),
  ...roles,
  role('simulated-provider-db', 'simulated_provider', { schema: 'simulated_provider' }),
  role('rabbitmq-default-user', 'shop'),
  keyPair,
  { name: 'user-service', make: () => ({ REFRESH_TOKEN_SECRET: fresh(), ADMIN_PASSWORD: fresh() }) },
  {
    name: 'payment-service',
    make: () => ({ SIMULATED_WEBHOOK_SECRETS: `whsec_${randomBytes(32).toString('base64')}` }),
  },
  { name: 'grafana', make: () => ({ password: fresh() }) },
];

/** What each overlay wants made, and what others have to bring, by the keys of which one is needed at least. */
const overlays: Record<string, { made: Wanted[]; brought: Record<string, string[]> }> = {
  k3s: { made: whole, brought: {} },
  managed: {
    made: [keyPair, { name: 'user-service', make: () => ({ REFRESH_TOKEN_SECRET: fresh() }) }],
    brought: {
      ...Object.fromEntries(roles.map(({ name }) => [name, ['url']])),
      'rabbitmq-default-user': ['url'],
      'payment-service': ['STRIPE_SECRET_KEY'],
    },
  },
  production: { made: [], brought: {} }, // External Secrets and the operators make them
};

/** The Secrets to create, and the keys to add to those that lack some. Throws a StackError with what others have to bring first. */
export function planSecrets(overlay: string, present: Present): { created: SecretManifest[]; added: SecretManifest[] } {
  const { made, brought } = overlays[overlay] ?? overlays.k3s ?? { made: [], brought: {} };
  const lacking = Object.entries(brought).filter(
    ([name, keys]) => !keys.some((key) => present.get(name)?.includes(key)),
  );
  if (lacking.length > 0) {
    const commands = lacking.map(
      ([name, [key]]) => `  kubectl create secret generic ${name} --from-literal=${key}=...`,
    );
    throw new StackError(['these Secrets are missing, see k8s/README.md:', ...commands].join('\n'));
  }
  const created: SecretManifest[] = [];
  const added: SecretManifest[] = [];
  for (const { name, type, make } of made) {
    const keys = present.get(name);
    const content = Object.entries(make()).filter(([key]) => !keys?.includes(key));
    const labels = { 'app.kubernetes.io/part-of': 'shop' };
    const secret = { apiVersion: 'v1', kind: 'Secret', stringData: Object.fromEntries(content) } as const;
    if (keys === undefined) created.push({ ...secret, ...(type && { type }), metadata: { name, labels } });
    else if (content.length > 0) added.push({ ...secret, metadata: { name } });
  }
  return { created, added };
}

const secretList = z.object({
  items: z.array(
    z.object({ metadata: z.object({ name: z.string() }), data: z.record(z.string(), z.unknown()).optional() }),
  ),
});

/** The keys of the Secrets in an answer of `kubectl get secrets -o json`. */
export function presentSecrets(json: string): Present {
  const { items } = secretList.parse(JSON.parse(json));
  return new Map(items.map(({ metadata, data }) => [metadata.name, Object.keys(data ?? {})]));
}

function kubectl(options: { context: string; namespace: string }, words: string[], input = ''): Promise<string> {
  const where = ['--context', options.context, '--namespace', options.namespace, '--request-timeout=30s'];
  return new Promise((resolve, reject) => {
    const child = execFile(
      'kubectl',
      [...where, ...words],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        // Not the error itself: it holds the whole command.
        if (error) reject(new StackError(`kubectl ${words[0]} failed: ${stderr.trim()}`));
        else resolve(stdout);
      },
    );
    child.stdin?.end(input);
  });
}

async function makeSecrets([context = '', namespace = '', overlay = '']: string[]): Promise<number> {
  const where = { context, namespace };
  const { created, added } = planSecrets(
    overlay,
    presentSecrets(await kubectl(where, ['get', 'secrets', '-o', 'json'])),
  );
  if (created.length > 0) {
    const list = { apiVersion: 'v1', kind: 'List', items: created };
    await kubectl(where, ['create', '-f', '-'], JSON.stringify(list));
  }
  for (const { metadata, stringData } of added) {
    const patch = ['patch', 'secret', metadata.name, '--type', 'merge', '--patch-file', '/dev/stdin'];
    await kubectl(where, patch, JSON.stringify({ stringData }));
  }
  const names = [...created, ...added].map(({ metadata }) => metadata.name);
  process.stderr.write(
    names.length > 0 ? `made the Secrets ${names.join(', ')}\n` : 'the Secrets are kept as they are\n',
  );
  return 0;
}

if (import.meta.main) await runMain(() => makeSecrets(process.argv.slice(2)));
