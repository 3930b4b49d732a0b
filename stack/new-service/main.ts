// Makes a service that runs: `make new-service NAME=catalog PORT=8084`. Its files come from template/, in which the service is
// called `sample`; kept as text, since they are compiled, linted and tested where they land (prove.sh). Existing files get
// their lines beside others, so that one which has moved on is an error and nothing is written.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StackError } from '../errors.ts';
import { repository } from '../paths.ts';
import { runMain } from '../run-main.ts';
import { serviceWorkspaces } from '../workspaces.ts';
import { fill, insertions, templateFolder, type Names } from './insertions.ts';
import { kubernetesFiles } from './kubernetes.ts';

/** The tables that every service has. */
const infrastructure = 'common/prisma/infrastructure';

/** Throws a StackError. */
function readNames(name: string, port: number): Names {
  if (!/^[a-z]{2,30}$/.test(name) || name === 'sample') {
    throw new StackError('NAME must be one word of small letters, such as NAME=catalog');
  }
  if (!Number.isInteger(port) || port < 1_024 || port > 65_535) throw new StackError('PORT must be from 1024 to 65535');
  if (existsSync(path.join(repository, `${name}-service`))) throw new StackError(`${name}-service is there already`);
  const taken = serviceWorkspaces.find((service) => service.port === port);
  if (taken) throw new StackError(`PORT ${port} is that of ${taken.name}`);
  const databasePorts = numbersIn('.env.example', /^\w+_DB_PORT=(\d+)$/gm);
  const hosts = numbersIn('docker-compose.yml', /CONTAINER_NETWORK\}\.(\d+)/g).filter((host) => host < 128);
  return { name, port, databasePort: Math.max(...databasePorts) + 1, host: Math.max(...hosts) + 1 };
}

const numbersIn = (file: string, pattern: RegExp): number[] =>
  Array.from(read(file).matchAll(pattern), ([, number]) => Number(number));

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');

/** As the newest of the project's services has them. */
function dependencies(): string {
  const manifest = JSON.parse(read('order-service/package.json')) as { dependencies: object }; // the project's own
  return JSON.stringify(manifest.dependencies, null, 2).replaceAll('\n', '\n  ');
}

/** How the Prisma client of a service is made. */
const prismaHeader = (): string =>
  (read('order-service/prisma/schema.prisma').split(/^(?:\/\/\/|enum|model) /m, 1)[0] ?? '').trimEnd();

const fillFile = (text: string, names: Names): string =>
  fill(text, names)
    .replaceAll('{{DEPENDENCIES}}', dependencies())
    .replaceAll('{{PRISMA_HEADER}}', prismaHeader())
    .replaceAll('{{INFRASTRUCTURE_MODELS}}', read(`${infrastructure}/models.prisma`).trimEnd());

/** New files, by where they go. */
function newFiles(names: Names): Map<string, string> {
  const { name } = names;
  const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const folders = {
    service: `${name}-service`,
    gateway: `gateway/src/${name}`,
    contracts: 'common/src/contracts',
    k8s: 'k8s',
    prometheus: 'prometheus',
  };
  const files = new Map<string, string>();
  for (const [folder, target] of Object.entries(folders)) {
    for (const file of globSync('**/*.template', { cwd: path.join(templateFolder, folder) })) {
      const place = fill(file, names)
        .replace(/\.template$/, '')
        .replace('migrations/create_', `migrations/${stamp}_create_`);
      files.set(
        path.join(target, place),
        fillFile(readFileSync(path.join(templateFolder, folder, file), 'utf8'), names),
      );
    }
  }
  const service = `${name}-service`;
  // What services have alike.
  const alike = [
    'tsconfig*.json',
    'prisma/migrations/migration_lock.toml',
    'prisma/migrations/*_anonymised_users/*.sql',
  ];
  for (const file of globSync(alike, { cwd: path.join(repository, 'order-service') })) {
    files.set(path.join(service, file), read(path.join('order-service', file)));
  }
  for (const file of globSync('migrations/**/*.sql', { cwd: path.join(repository, infrastructure) })) {
    files.set(path.join(service, 'prisma', file), read(path.join(infrastructure, file)));
  }
  for (const [file, text] of kubernetesFiles(names, read)) files.set(file, text);
  const schema = files.get(path.join(service, 'prisma/schema.prisma'));
  if (schema === undefined) throw new Error('the template has no schema');
  files.set(path.join(service, 'prisma/migrations/schema.prisma'), schema);
  return files;
}

/** Existing files as they will be. Throws a StackError where one lacks what they stand beside. */
function changedFiles(names: Names): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, place, text } of insertions(names)) {
    const parts = (files.get(file) ?? read(file)).split(place);
    if (parts.length !== 2)
      throw new StackError(`${file} has ${parts.length - 1} of what is needed once: ${place.trim()}`);
    files.set(file, parts.join(text));
  }
  return files;
}

await runMain(() => {
  const { values } = parseArgs({ options: { name: { type: 'string' }, port: { type: 'string' } } });
  const names = readNames(values.name ?? '', Number(values.port));
  const [changed, added] = [changedFiles(names), newFiles(names)];
  for (const [file, text] of [...changed, ...added]) {
    mkdirSync(path.dirname(path.join(repository, file)), { recursive: true });
    writeFileSync(path.join(repository, file), text);
  }
  const run = (...command: [string, ...string[]]) =>
    execFileSync(command[0], command.slice(1), { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] });
  // Its own scripts would generate code, which the build does.
  run('npm', 'install', '--omit-lockfile-registry-resolved', '--ignore-scripts', '--no-audit', '--no-fund');
  run('node_modules/.bin/prettier', '--ignore-unknown', '--write', ...changed.keys(), ...added.keys());
  console.log(
    `${added.size} files made below ${names.name}-service/, gateway/src/${names.name}/, common/, prometheus/ and k8s/`,
  );
  console.log(`lines added to ${[...changed.keys()].join(', ')}, and package-lock.json`);
  console.log(`next: make build test-${names.name} up`);
  return 0;
});
