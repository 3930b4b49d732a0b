import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';

const root = process.cwd();
const depcruise = path.join(root, 'node_modules/.bin/depcruise');
const config = path.join(root, '.dependency-cruiser.cjs');
const topics = [
  'money',
  'contracts',
  'config',
  'auth',
  'logger',
  'process',
  'tracing',
  'metrics',
  'idempotency',
  'paging',
  'database',
  'http',
  'rabbitmq',
  'messaging',
  'service',
];

/** A rule, a file that breaks it, and the import by which it does: of types alone, where that says so. */
const violations: [rule: string, file: string, imports: string, kind?: 'type'][] = [
  [
    'no-service-to-service',
    'order-service/src/orders/order.handler.ts',
    '../../../user-service/src/users/user.service.js',
  ],
  ['common-knows-no-service', 'common/src/http/reply.ts', '../../../order-service/src/orders/order.routes.js'],
  ['testing-knows-no-service', 'testing/src/orders.ts', '../../order-service/src/orders/order.routes.js'],
  ...topics.map((topic, index): [string, string, string] => {
    const before = topics[index - 1] ?? 'errors';
    return [`common-${before}-imports-only-what-stands-above`, `common/src/${before}/late.ts`, `../${topic}/index.js`];
  }),
  ['common-topics-meet-at-their-index', 'common/src/http/deep.ts', '../logger/redact.js'],
  ['only-rabbitmq-imports-amqplib', 'common/src/messaging/direct.ts', 'amqplib'],
  ['only-rabbitmq-imports-amqplib', 'payment-service/src/payments/publish.ts', 'amqplib'],
  ['routes-through-handler', 'order-service/src/app.ts', './orders/order.service.js'],
  ['routes-through-handler', 'order-service/src/orders/order.routes.ts', './order.repository.js'],
  ['handler-through-service', 'user-service/src/users/user.handler.ts', './user.repository.js'],
  ['handler-through-service', 'order-service/src/orders/order.handler.ts', './order.reads.js'],
  ['handler-through-service', 'order-service/src/orders/payment-success.consumer.ts', '../generated/prisma/client.js'],
  ['handler-through-service', 'order-service/src/orders/order-created.consumer.ts', '@shop/common/database'],
  ['service-is-plain', 'order-service/src/orders/order.service.ts', 'express'],
  ['service-is-plain', 'order-service/src/orders/routed.service.ts', 'express', 'type'],
  ['service-is-plain', 'user-service/src/users/queued.service.ts', '@shop/common/messaging', 'type'],
  ['service-is-plain', 'user-service/src/users/handled.service.ts', './user.handler.js', 'type'],
  ['service-is-plain', 'user-service/src/users/answering.service.ts', '@shop/common/http', 'type'],
  ['service-is-plain', 'payment-service/src/payments/payment.service.ts', '@prisma/client'],
  ['service-is-given-its-repository', 'payment-service/src/payments/refund.service.ts', './refund.repository.js'],
  ['domain-is-pure', 'order-service/src/orders/order.ts', './order.repository.js'],
  ['domain-is-pure', 'order-service/src/orders/order.errors.ts', '@shop/common/http'],
  ['domain-is-pure', 'user-service/src/users/user.ts', '@shop/common/auth'],
  ['repository-knows-only-domain', 'user-service/src/users/user.repository.ts', './user.service.js'],
  ['repository-knows-only-domain', 'user-service/src/users/typed.repository.ts', './user.service.js', 'type'],
  ['repository-knows-only-domain', 'order-service/src/orders/order.reads.ts', './order.service.js'],
  ['repository-knows-only-domain', 'user-service/src/users/answering.repository.ts', '@shop/common/http', 'type'],
  ['loader-below-resolver', 'gateway/src/user/user.loader.ts', './user.resolvers.js'],
  ['client-below-loader', 'gateway/src/user/user.client.ts', './user.loader.js'],
  ['gateway-has-no-database', 'gateway/src/container.ts', '@shop/common/database'],
  ['only-main-takes-the-container', 'order-service/src/orders/wiring.ts', '../container.js'],
  ['settings-load-no-service', 'order-service/src/config.ts', '@shop/common/service'],
  ['settings-load-no-service', 'gateway/src/main.ts', '@shop/common/logger'],
  ['tests-stay-out-of-production', 'order-service/src/orders/fake.ts', '../../test/builders.js'],
  ['tests-stay-out-of-production', 'order-service/src/orders/helper.ts', '@shop/testing'],
  ['tests-stay-out-of-production', 'common/src/http/helper.ts', '@shop/testing'],
  ['no-circles', 'payment-service/src/payments/one.ts', './two.js'],
  ['nothing-unresolvable', 'gateway/src/nowhere.ts', './nothing-here.js'],
];

/** The same imports where they are allowed. */
const allowed: [file: string, imports: string, kind?: 'type'][] = [
  ['order-service/src/main.ts', './container.js'],
  ['order-service/src/config.ts', '@shop/common/config'],
  ['order-service/src/container.ts', './orders/order.repository.js'],
  ['order-service/src/orders/order.int.test.ts', '../../test/builders.js'],
  ['order-service/src/orders/order.unit.test.ts', '@shop/testing'],
  ['user-service/src/users/user.routes.ts', './user.handler.js'],
  ['order-service/src/orders/order.service.ts', './order.repository.js', 'type'],
  ['gateway/src/user/user.resolvers.ts', './user.loader.js'],
  ['common/src/rabbitmq/connection.ts', 'amqplib'],
  ['common/src/http/host.int.test.ts', '@shop/testing'],
  ['testing/src/broker.ts', '@shop/common/http'],
];

const report = z.object({
  summary: z.object({ violations: z.array(z.object({ from: z.string(), rule: z.object({ name: z.string() }) })) }),
});

let tree: string;

const write = async (file: string, text: string): Promise<void> => {
  await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
  await writeFile(path.join(tree, file), text, { flag: 'a' });
};

/** Writes a file with one import, and the empty file that it leads to. */
const writeImport = async ([file, imports, kind]: [file: string, imports: string, kind?: 'type']): Promise<void> => {
  const text =
    kind === 'type'
      ? `import type * as imported from '${imports}';\nexport type Used = typeof imported;\n`
      : `import * as imported from '${imports}';\nexport const used = imported;\n`;
  await write(file, text);
  if (!imports.startsWith('.') || imports.includes('nothing-here')) return;
  await write(path.join(path.dirname(file), imports.replace(/\.js$/, '.ts')), '');
};

const cruise = async (): Promise<string[]> => {
  const folders = ['common', 'testing', 'user-service', 'order-service', 'payment-service', 'gateway'];
  const { stdout } = await promisify(execFile)(depcruise, ['--config', config, '--output-type', 'json', ...folders], {
    cwd: tree,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: unknown) => z.object({ stdout: z.string() }).parse(error)); // exit code: the number of violations
  return report.parse(JSON.parse(stdout)).summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`);
};

beforeEach(async () => {
  tree = await mkdtemp(path.join(tmpdir(), 'dependency-rules-'));
  await cp(path.join(root, 'tsconfig.base.json'), path.join(tree, 'tsconfig.base.json'));
  await write('common/package.json', await readFile(path.join(root, 'common/package.json'), 'utf8'));
  await write('testing/package.json', await readFile(path.join(root, 'testing/package.json'), 'utf8'));
  await write('testing/src/index.ts', '');
  for (const topic of ['errors', ...topics]) await write(`common/src/${topic}/index.ts`, '');
  for (const service of ['user-service', 'order-service', 'payment-service', 'gateway'])
    await write(`${service}/src/index.ts`, '');
  await mkdir(path.join(tree, 'node_modules/@shop'), { recursive: true });
  await symlink(path.join(tree, 'common'), path.join(tree, 'node_modules/@shop/common'));
  await symlink(path.join(tree, 'testing'), path.join(tree, 'node_modules/@shop/testing'));
  for (const name of ['express', 'amqplib', '@prisma', '@jest', '@types']) {
    await symlink(path.join(root, 'node_modules', name), path.join(tree, 'node_modules', name));
  }
});

afterEach(async () => {
  await rm(tree, { recursive: true, force: true });
});

describe('the rules of who may import whom', () => {
  it('a tree that keeps them -> no violation', async () => {
    for (const example of allowed) await writeImport(example);
    expect(await cruise()).toEqual([]);
  });

  it('a file that breaks each -> each fires', async () => {
    for (const [, ...example] of violations) await writeImport(example);
    await write(
      'payment-service/src/payments/two.ts',
      "import * as one from './one.js';\nexport const circle = one;\n",
    );
    const found = await cruise();
    expect(
      violations.map(([rule, file]) => `${rule}: ${file}`).filter((violation) => !found.includes(violation)),
    ).toEqual([]);
  });

  it('every rule of the configuration -> broken above', async () => {
    const { forbidden } = z
      .object({ forbidden: z.array(z.object({ name: z.string() })) })
      .parse(createRequire(import.meta.url)(config));
    const proven = new Set(violations.map(([rule]) => rule));
    expect(forbidden.map(({ name }) => name).filter((name) => !proven.has(name))).toEqual([]);
  });
});
