import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';
import { serviceEnvironment, services } from './services.ts';
import { parseSettings } from './settings.ts';
import { databaseNames } from './workspaces.ts';

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const compose = read('docker-compose.yml').replace(/ *# .*/g, '');
const variableNames = (text: string): string[] =>
  [...text.matchAll(/^ +([A-Z][A-Z0-9_]*):/gm)].map(([, name = '']) => name);

/** The text below a line, up to the next one that stands as far to the left. */
function block(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const body = compose.split(`\n${line}`)[1]?.split('\n').slice(1) ?? [];
  const end = body.findIndex((other) => other !== '' && !other.startsWith(`${indent} `));
  if (end < 1) throw new Error(`docker-compose.yml has no ${line}`);
  return body.slice(0, end).join('\n');
}

/** The variables that a block gives to its container, those of its fragments included. */
function environmentOf(text: string): string[] {
  const fragments = [...text.matchAll(/<<: \*([a-z-]+)/g)].map(([, name = '']) => block(`x-${name}:`));
  const names = [...variableNames(text), ...fragments.flatMap(environmentOf)];
  return names.filter((name) => name !== 'SETTING_NAMES'); // tells what others are called
}

/** What every process reads, and what every service with a database does, too. */
const [hostSettings = '', serviceSettings = ''] = read('common/src/config/service-settings.ts').split(
  'const serviceSettings',
);

/** The settings that a service reads: what it is shown without containers, and its files of settings name. */
function settingsOf(service: string): string[] {
  const own = globSync(`${service}/src/{config,features,**/*-settings,**/*-secrets}.ts`, { cwd: repository })
    .map(read)
    .join('\n');
  const [, database] = /\bdatabaseUrlOf\('([A-Z]+)'\)/.exec(own) ?? [];
  const ofDatabase = ['HOST', 'PORT', 'USER', 'PASSWORD', 'NAME'].map((part) => `${String(database)}_DB_${part}`);
  const texts = [read('common/src/config/http-settings.ts'), hostSettings, own];
  if (database !== undefined) texts.push(serviceSettings, ...ofDatabase);
  const named = new Set(texts.join('\n').match(/\b[A-Z][A-Z0-9_]+\b/g));
  const shown = serviceEnvironment(service, parseSettings([read('.env.example')], {}));
  return Object.keys(shown).filter((name) => named.has(name) || named.has(name.replace(/_FILE$/, '')));
}

/** What a service waits for before it is started: the condition of each. */
const waits = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...(text.split(/^ {4}depends_on:$/m)[1] ?? '').matchAll(/^ {6}([a-z-]+): \{ condition: (\w+) \}$/gm)].map(
      ([, name = '', condition = '']) => [name, condition],
    ),
  );

const withoutDoubles = (names: string[]): string[] => [...new Set(names)].toSorted();

describe('docker-compose.yml', () => {
  it.each(services.map(({ name }) => name))('%s -> is given the settings that it reads, and no others', (name) => {
    expect(withoutDoubles(environmentOf(block(`  ${name}:`)))).toEqual(withoutDoubles(settingsOf(name)));
  });

  it('migrations -> check secrets by the NODE_ENV of the settings, not by the one of their image', () => {
    for (const name of databaseNames) {
      expect(environmentOf(block(`  migrate-${name}:`))).toEqual(expect.arrayContaining(['NODE_ENV', 'SUPERUSER']));
    }
  });

  it.each([
    ['rabbitmq', 15672],
    ['prometheus', 9090],
    ['grafana', 3000],
    ['jaeger', 16686],
  ])(
    'the page of %s, which answers to any Host -> only nginx/guard.conf.template before it is published',
    (name, port) => {
      const [server, page] = [block(`  ${name}:`), block(`  ${name}-page:`)];
      expect(server).not.toMatch(new RegExp(`ports:.*:${port}'`));
      const [address = ''] = /(?<=ipv4_address: ')[^']+/.exec(server) ?? [];
      expect(page).toContain('<<: *guard\n');
      expect(page).toContain(`GUARD_UPSTREAM: ${address}:${port}\n`);
      expect(page).toMatch(new RegExp(`ports: \\['\\$\\{HOST\\}:\\$\\{[A-Z_]+\\}:${port}'\\]`));
      expect(page.match(/profiles: .*/)?.[0]).toBe(server.match(/profiles: .*/)?.[0]);
    },
  );

  it('metrics of nginx, RabbitMQ and mtail -> published nowhere', () => {
    const published = [...compose.matchAll(/'\$\{HOST\}:\$\{\w+\}:(\d+)'/g)].map(([, port]) => Number(port));
    expect(published.length).toBeGreaterThan(8);
    expect(published.filter((port) => [8090, 15692, 3903].includes(port))).toEqual([]);
  });

  it('each secret -> is in the containers that get the path of its file, and in no others', () => {
    const names = [...block('services:').matchAll(/^ {2}([a-z-]+):$/gm)].map(([, name = '']) => name);
    const fragments = ({ text = '' }): string =>
      [
        text,
        ...[...text.matchAll(/<<: \*([a-z-]+)/g)].map(([, name = '']) => fragments({ text: block(`x-${name}:`) })),
      ].join('\n');
    const containers = names.map((name) => fragments({ text: block(`  ${name}:`) }));
    for (const text of containers) {
      const mounted = /^ {4}secrets:\s*\[([^\]]*)\]$/m.exec(text)?.[1]?.match(/\w+/g) ?? [];
      const read = [...text.matchAll(/_FILE: \$\{(\w+)_FILE:\+\/run\/secrets\/(\w+)\}$/gm)];
      expect(read.map(([, name]) => name)).toEqual(read.map(([, , file]) => file));
      expect(withoutDoubles(mounted)).toEqual(withoutDoubles(read.map(([, name = '']) => name)));
    }
    const { variables } = parseSettings([read('.env.example')], {});
    const files = Object.keys(variables).filter(
      (name) => name.endsWith('_FILE') && name.replace(/_FILE$/, '') in variables,
    );
    const declared = [...block('secrets:').matchAll(/^ {2}(\w+): \{ file: '\$\{(\w+):-\/dev\/null\}' \}$/gm)];
    expect(declared.map(([, name]) => `${name}_FILE`)).toEqual(declared.map(([, , file]) => file));
    expect(declared.map(([, , file]) => file).toSorted()).toEqual(files.toSorted());
    expect(declared.length).toBeGreaterThanOrEqual(21);
  });

  it('nginx with a certificate -> is given each variable that its configuration for TLS names, and both files', () => {
    const tls = read('docker-compose.tls.yml').replace(/ *# .*/g, '');
    const named = [...read('nginx/tls.conf.template').matchAll(/(?<!#.*)\$\{([A-Z_]+)\}/g)].map(
      ([, name = '']) => name,
    );
    expect(withoutDoubles(variableNames(tls.split('\n    ports:')[0] ?? ''))).toEqual(withoutDoubles(named));
    const mounted = /secrets: \[(.*)\]/.exec(tls)?.[1]?.split(', ') ?? [];
    expect(mounted.map((name) => `${name}_FILE: /run/secrets/${name}`)).toEqual(tls.match(/\w+_FILE: \/.*/g));
    expect(tls.match(/^ {2}\w+: \{ file: .*/gm)).toEqual(
      mounted.map((name) => `  ${name}: { file: '\${${name}_FILE}' }`),
    );
  });

  it('logs -> every container sends them to the address of the collector, but those that would write of their own lines', () => {
    const logs = read('docker-compose.logs.yml');
    const sending = [...logs.matchAll(/^ {2}([a-z-]+): \*logged$/gm)].map(([, name = '']) => name);
    const names = [...block('services:').matchAll(/^ {2}([a-z-]+):$/gm)].map(([, name = '']) => name);
    expect(sending.toSorted()).toEqual(names.filter((name) => !['loki', 'log-collector'].includes(name)).toSorted());
    const [, address, port] = /fluentd-address: (\S+):(\d+)$/m.exec(logs) ?? [];
    expect(block('  log-collector:')).toContain(`ipv4_address: '${address}'`);
    expect(read('logs/collector.yml')).toContain(`fluent_forward: { endpoint: 0.0.0.0:${port} }`);
    expect(compose).not.toContain(`:${port}'`); // published nowhere
  });

  it('a guard -> is given each variable that its configuration names', () => {
    const named = [...read('nginx/guard.conf.template').matchAll(/(?<!#.*)\$\{([A-Z_]+)\}/g)].map(
      ([, name = '']) => name,
    );
    expect(withoutDoubles(environmentOf(block('  rabbitmq-page:')))).toEqual(withoutDoubles(named));
  });

  it('a setting that is passed on under another name -> its faults name the one that .env has', () => {
    const renamed = (text: string): string[] =>
      [...text.matchAll(/^ +(\w+): \$\{(\w+)\}$/gm)].map(([, name, given]) => `${name}=${given}`);
    const reported = (text: string): string[] =>
      [...text.matchAll(/SETTING_NAMES: (?:>-)?\s*((?:\s*\w+=\w+)+)$/gm)].flatMap(([, pairs = '']) =>
        pairs.split(/\s+/),
      );
    const ours = ['x-service-environment:', '  migrate-user:', '  migrate-order:', '  migrate-payment:'].map(block);
    for (const text of ours) {
      const expected = [
        ...renamed(text),
        ...(text.includes('*migration-environment') ? renamed(block('x-migration-environment:')) : []),
      ];
      expect(expected.length).toBeGreaterThan(0);
      expect(reported(text).toSorted()).toEqual(expected.toSorted());
    }
  });

  it('each variable that it takes from outside -> stands in .env.example', () => {
    const { variables } = parseSettings([read('.env.example')], {});
    const asked = [...compose.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name = '']) => name);
    const passedOn = [...compose.matchAll(/^ +([A-Z][A-Z0-9_]*):$/gm)].map(([, name = '']) => name);
    expect(asked.length).toBeGreaterThan(20);
    expect([...asked, ...passedOn].filter((name) => !(name in variables))).toEqual([]);
  });

  it('what a service sees of the settings without containers -> it sees nothing more with them', () => {
    const settings = parseSettings([read('.env.example')], {});
    for (const { name } of services) {
      const visible = Object.keys(serviceEnvironment(name, settings));
      expect(environmentOf(block(`  ${name}:`)).filter((variable) => !visible.includes(variable))).toEqual([]);
    }
  });

  it('the order of a start -> database, migrations, service, gateway, nginx, each waiting until the one before is done', () => {
    const names = [...block('services:').matchAll(/^ {2}([a-z-]+):$/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(15);
    const waiting = names.map((name) => [name, waits(block(`  ${name}:`))] as const);
    const order = Object.fromEntries(waiting.filter(([, others]) => Object.keys(others).length > 0));
    expect(order).toEqual({
      ...Object.fromEntries(
        databaseNames.map((name) => [`migrate-${name}`, { [`postgres-${name}`]: 'service_healthy' }]),
      ),
      ...Object.fromEntries(
        databaseNames.map((name) => [`${name}-service`, { [`migrate-${name}`]: 'service_completed_successfully' }]),
      ),
      gateway: Object.fromEntries(databaseNames.map((name) => [`${name}-service`, 'service_healthy'])),
      nginx: { gateway: 'service_healthy' },
      grafana: { prometheus: 'service_healthy' },
    });
    expect(compose.match(/depends_on:/g)).toHaveLength(Object.keys(order).length);
  });
});
