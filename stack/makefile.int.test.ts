import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parseArguments } from './arguments.ts';
import { services } from './services.ts';
import { repository } from './paths.ts';

/** Those of the Go system, whose users know them, and our own. */
const promised = [
  ...['up', 'up-d', 'down', 'restart', 'logs', 'logs-f', 'build', 'infra'],
  ...['run-gateway', 'run-user', 'run-order', 'run-payment'],
  ...['nginx-up', 'nginx-down', 'nginx-restart', 'nginx-logs', 'nginx-clear-cache', 'nginx-status'],
  ...['test', 'test-user', 'test-order', 'test-payment', 'test-gateway', 'test-common', 'test-coverage'],
  ...['test-chaos', 'test-security', 'migrate-up', 'migrate-down', 'migrate-status', 'lint', 'fmt', 'tidy'],
  ...['health', 'doctor', 'api-docs', 'clean', 'clean-all'],
  ...['k3s-setup', 'k3s-build', 'k3s-import', 'k3s-deploy', 'k3s-up', 'k3s-status', 'k3s-logs'],
  ...['k3s-redeploy', 'k3s-clean', 'k3s-test', 'test-k8s'],
  ...['seed', 'demo', 'create-admin', 'dlq-list', 'dlq-replay', 'dlq-drop', 'reconcile', 'republish'],
  ...['backup', 'restore'],
];

const environment = { PATH: process.env.PATH, LC_ALL: 'C' };
const listed = execFileSync('make', ['help'], { cwd: repository, env: environment, encoding: 'utf8' })
  .trimEnd()
  .split('\n');
const targets = listed.map((line) => line.trim().split(' ', 1)[0] ?? '');

/** The commands that a target stands for, as they would be given to the shell. */
const commandsOf = async (...parameters: string[]): Promise<string[]> => {
  const make = promisify(execFile);
  const { stdout } = await make('make', ['--no-print-directory', '-n', ...parameters], {
    cwd: repository,
    env: environment,
  });
  return stdout.trimEnd().split('\n');
};

const scriptsOf = (workspace: string): Record<string, string> =>
  (
    JSON.parse(readFileSync(path.join(repository, workspace, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    }
  ).scripts;
/** The words that a script of the shell takes for a command. */
const commandsOfScript = (file: string): string[] =>
  (/\ncase \$command in\n([^]*)\nesac\n/.exec(readFileSync(path.join(repository, file), 'utf8'))?.[1] ?? '')
    .split('\n')
    .flatMap((line) => /^ {2}([a-z|\- ]+)\)/.exec(line)?.[1]?.split(' | ') ?? []);

/** What is wrong with a command line that a target prints: what it calls must be there. */
function faultsOf(printed: string): string[] {
  const line = printed.replace(/if \[ "" = docker \]; then [^;]*;/, ''); // never comes true
  const faults: string[] = [];
  const words = (rest: string | undefined) => (rest ?? '').replaceAll('"', '').split(' ').filter(Boolean);
  const scripts = scriptsOf('.');
  let known = 0;
  for (const [, rest] of line.matchAll(/node stack\/main\.ts ([^;&|]*)/g)) {
    known += 1;
    const command = parseArguments(words(rest));
    if (command.command === 'script') {
      const service = services.find(({ name }) => name === `${command.service}-service`);
      if (!service || !scriptsOf(service.name)[command.script]) faults.push(`no such script: ${rest}`);
    }
    if (command.command === 'run' && !services.some(({ name }) => name === command.service)) faults.push(`${rest}`);
  }
  for (const [, script = '', rest] of line.matchAll(/sh (stack\/docker\.sh|k8s\/k3s\.sh) ([^;&|]*)/g)) {
    known += 1;
    const [command = ''] = words(rest);
    if (!commandsOfScript(script).includes(command)) faults.push(`${script} has no ${command}`);
  }
  for (const [, script = ''] of line.matchAll(/npm (?:run (?:--silent )?)?([a-z][a-z:-]*)/g)) {
    known += 1;
    if (!scripts[script]) faults.push(`package.json has no script ${script}`);
  }
  for (const [, file = ''] of line.matchAll(
    /(?:node|sh) ((?:e2e|perf)\/\S+\.ts|stack\/(?:fresh|upgrade)\/\S+\.sh|k8s\/test\.sh)/g,
  )) {
    known += 1;
    readFileSync(path.join(repository, file));
  }
  return known > 0 || line === ' fi' || /^rm -rf /.test(line) ? faults : [`nothing known in: ${line}`];
}

describe('the Makefile', () => {
  it('help -> every target with a line of its own, all that are promised among them', () => {
    const makefile = readFileSync(path.join(repository, 'Makefile'), 'utf8');
    const declared = [...makefile.matchAll(/^\.PHONY: (.*)$/gm)].flatMap(([, names = '']) => names.split(' '));

    expect(targets).toEqual(expect.arrayContaining(promised));
    expect(targets.toSorted()).toEqual(declared.toSorted());
    expect(listed.filter((line) => !/^ {2}[a-z0-9-]+ +\S.+$/.test(line))).toEqual([]);
  });

  it.each(targets.filter((target) => target !== 'help'))(
    '%s -> calls what there is, on both stacks',
    async (target) => {
      const lines = [...(await commandsOf(target)), ...(await commandsOf(target, 'STACK=docker'))];

      expect(lines.flatMap(faultsOf)).toEqual([]);
    },
  );
});

const main = 'sh stack/run.sh node stack/main.ts';
const docker = 'sh stack/run.sh sh stack/docker.sh';

describe('parameters', () => {
  it.each([
    ['dlq-drop', [], `dead-letters drop --`],
    ['dlq-drop', ['ID=a-b', 'REASON=made by hand'], `dead-letters drop -- --id 'a-b' --reason 'made by hand'`],
    ['dlq-replay', [], `dead-letters replay --`],
    ['dlq-replay', ['DRY_RUN=1'], `dead-letters replay -- --dry-run`],
    ['dlq-replay', ['DRY_RUN=true'], `dead-letters replay -- --dry-run`],
    ['dlq-replay', ['DRY_RUN=0'], `dead-letters replay --`],
    ['dlq-replay', ['DRY_RUN='], `dead-letters replay --`],
    ['dlq-replay', ['ID=a-b'], `dead-letters replay -- --id 'a-b'`],
    ['dlq-replay', ['TYPE=order.created', 'DRY_RUN=1'], `dead-letters replay -- --type 'order.created' --dry-run`],
    [
      'dlq-replay',
      ['ID=a-b', 'TYPE=order.created', 'DRY_RUN=1'],
      `dead-letters replay -- --id 'a-b' --type 'order.created' --dry-run`,
    ],
    ['republish', ['SINCE=2026-01-31T12:00:00Z'], `republish '2026-01-31T12:00:00Z'`],
    ['republish', ['SINCE=2026-01-31', 'SERVICE=order'], `republish '2026-01-31' order`],
    ['backup', [], 'backup'],
    ['backup', ['KEEP=7'], `backup --keep '7'`],
    ['backup', ['TO=a folder'], `backup --to 'a folder'`],
    ['restore', ['FROM=backups/a'], `restore 'backups/a'`],
    ['restore', ['FROM=backups/a', 'REPLACE=1'], `restore 'backups/a' --replace`],
    ['restore', ['FROM=backups/a', 'REPLACE=0'], `restore 'backups/a'`],
    ['reconcile', [], 'script payment reconcile'],
    ['reconcile', ['SINCE=2026-01-31'], 'script payment reconcile -- --since 2026-01-31'],
    ['create-admin', ['EMAIL=ada@example.com'], 'script user create-admin -- --email "ada@example.com"'],
    ['migrate-down', ['SERVICE=order'], 'migrate down order'],
    ['logs', ['NAME=gateway'], 'logs gateway'],
    ['logs-f', ['NAME=gateway order-service'], 'logs -f gateway order-service'],
    ['logs', ['REQUEST=r-1', 'JSON=1'], `logs --json --request 'r-1'`],
    ['logs-f', ['TRACE=0af7', 'NAME=gateway'], `logs -f --trace '0af7' gateway`],
  ])('%s %j -> %s, on both stacks', async (target, parameters, command) => {
    const asOne = async (...more: string[]) =>
      (await commandsOf(target, ...parameters, ...more)).map((line) => line.replace(/ +/g, ' ').trim());

    expect(await asOne()).toEqual([`${main} ${command}`]);
    expect(await asOne('STACK=docker')).toEqual([`${docker} ${command}`]);
  });

  it('test-chaos ROUNDS= SEED= -> given on', async () => {
    expect(await commandsOf('test-chaos', 'ROUNDS=7', 'SEED=42')).toEqual([
      'sh stack/run.sh node stack/main.ts build && sh stack/run.sh node e2e/chaos/main.ts --rounds "7" --seed "42"',
    ]);
  });

  it('test-security FILE= SEED= -> given on', async () => {
    expect(await commandsOf('test-security', 'FILE=slow-clients', 'SEED=1')).toEqual([
      'SEED="1" npm run --silent test:security -- slow-clients',
    ]);
  });
});
