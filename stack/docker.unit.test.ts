import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';
import { databaseNames } from './workspaces.ts';

/** As a shell lists their folders. */
const owners = databaseNames.map((name) => `${name}-service`).toSorted();
const tools = ['dirname', 'awk', 'sed', 'grep', 'sort'];
let programs: string;

beforeEach(() => {
  programs = mkdtempSync(path.join(tmpdir(), 'docker-'));
  for (const tool of tools) symlinkSync(`/usr/bin/${tool}`, path.join(programs, tool));
  symlinkSync(process.execPath, path.join(programs, 'node'));
});

afterEach(() => rmSync(programs, { recursive: true }));

/** A `docker` that answers as the lines of a shell's `case` say. */
function installDocker(...cases: string[]): void {
  const file = path.join(programs, 'docker');
  writeFileSync(file, `#!/bin/sh\ncase "$*" in\n${cases.join('\n')}\nesac\n`);
  chmodSync(file, 0o755);
}

const run = (...args: string[]): Promise<{ code: number; stderr: string }> => runWith({}, ...args);
const runWith = (settings: Record<string, string>, ...args: string[]): Promise<{ code: number; stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: programs, JWT_PRIVATE_KEY: 'a key', ...settings };
    execFile('/bin/sh', [path.join(repository, 'stack/docker.sh'), ...args], { env }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });

const unavailable = 69;
const newCompose = "'compose version --short') echo 2.26.1 ;;";

describe('stack/docker.sh', () => {
  it('no docker -> shown where it comes from, with the code for what this machine can not do', async () => {
    expect(await run('doctor')).toEqual({ code: unavailable, stderr: expect.stringMatching(/^Docker is missing: /) });
  });

  it('docker without Compose v2 -> the same', async () => {
    installDocker('compose*) exit 1 ;;');
    expect(await run('up')).toEqual({ code: unavailable, stderr: expect.stringMatching(/^Compose v2 is missing: /) });
  });

  it.each(['2.20.3', 'v2.17.0', '1.29.2'])(
    'Compose %s -> too old, reported with the version that is needed',
    async (old) => {
      installDocker(`'compose version --short') echo ${old} ;;`);
      const stderr = expect.stringContaining(`Compose ${old} is too old: version 2.21 or newer is needed`);
      expect(await run('doctor')).toEqual({ code: unavailable, stderr });
    },
  );

  it.each(['2.21.0', 'v2.40.3-desktop.1', '5.0.1'])('Compose %s -> new enough', async (version) => {
    installDocker(`'compose version --short') echo ${version} ;;`);
    expect(await run('doctor')).toEqual({ code: 0, stderr: '' });
  });

  it('an engine that does not answer -> reported', async () => {
    installDocker(newCompose, 'version*) exit 1 ;;');
    const stderr = expect.stringMatching(/^The Docker engine does not answer/);
    expect(await run('doctor')).toEqual({ code: unavailable, stderr });
  });

  it('an image that is not here, and no registry -> its name, and what to do; nothing is built', async () => {
    installDocker(
      newCompose,
      "'image ls --format'*) echo redis:8 ;;",
      'pull*) echo "no such host" >&2; exit 1 ;;',
      '*build*) echo built >&2 ;;',
    );
    const { code, stderr } = await run('build');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^no such host\nThe image node:\S+ is not on this machine, and could not be pulled/);
    expect(stderr).toContain('"Without a registry"');
    expect(stderr).not.toContain('built');
  });

  it('an image that is here -> not pulled', async () => {
    const [base] = /node:\S+/.exec(readFileSync(path.join(repository, 'Dockerfile'), 'utf8')) ?? [];
    installDocker(
      newCompose,
      `'image ls --format'*) echo ${base} ;;`,
      'pull*) exit 1 ;;',
      '*build*) echo built >&2 ;;',
    );
    expect(await run('build')).toEqual({ code: 0, stderr: 'built\n' });
  });

  it('a start that fails -> what failed in its own words, and the remedy where another password is the reason', async () => {
    installDocker(
      newCompose,
      `*' up '*) exit 1 ;;`,
      `*' ps --all '*) printf '%s\\n' 'postgres-user running 0 healthy' 'migrate-user exited 1 ' 'gateway created 0 ' ;;`,
      `*' logs '*migrate-user) printf '\\033[2Kpassword authentication failed for user "shop"\\n' ;;`,
    );
    const { code, stderr } = await runWith({ POSTGRES_USER: 'shop' }, 'up', '-d');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'migrate-user failed (exited, exit code 1). Its log ends with:\n' +
        '  password authentication failed for user "shop"\n' +
        'Its database was made with another POSTGRES_USER or POSTGRES_PASSWORD: put the earlier values back',
    );
    expect(stderr).not.toMatch(/gateway|postgres-user/);
  });

  it.each([
    ['without Jaeger among what runs', 'metrics,tools', 'http://jaeger:4318', ''],
    ['with it', 'tools,observability', 'http://jaeger:4318', 'http://jaeger:4318'],
    ['with it, as every profile is on', '*', 'http://jaeger:4318', 'http://jaeger:4318'],
    ['a collector of somebody’s own', 'metrics', 'http://collector:4318', 'http://collector:4318'],
  ])('traces %s -> they go where somebody takes them', async (_what, profiles, endpoint, expected) => {
    installDocker(newCompose, `*' up '*) echo "endpoint=$CONTAINER_OTLP_ENDPOINT." >&2 ;;`);
    const settings = { COMPOSE_PROFILES: profiles, CONTAINER_OTLP_ENDPOINT: endpoint };
    expect((await runWith(settings, 'up', '-d')).stderr).toContain(`endpoint=${expected}.`);
  });

  describe('a tool that runs in each service, beside its own database', () => {
    const named = ['order-service', 'payment-service'];
    const asked = { drop: owners, republish: named };
    /** Those that are named answer their tool with these exit codes; others have no such dead letter. */
    const codeOf = (name: string, codes: readonly number[]) => codes[named.indexOf(name)] ?? 1;
    const installServices = (codes: readonly number[]) =>
      installDocker(
        newCompose,
        `*' ps --quiet '*) echo id ;;`,
        ...owners.map((name) => `*' exec -T ${name} '*) echo "$*" >&2; exit ${codeOf(name, codes)} ;;`),
      );

    const words = {
      drop: ['dead-letters', 'drop', '--', '--id', '1'],
      republish: ['republish', '2026-01-31', 'order', 'payment-service'],
    };
    const given = { drop: 'drop --id 1 --service', republish: '2026-01-31' };

    it.each([
      ['drop', [0, 1], 0],
      ['drop', [1, 0], 0],
      ['drop', [1, 1], 1],
      ['drop', [2, 0], 2],
      ['republish', [0, 0], 0],
      ['republish', [0, 1], 1],
      ['republish', [1, 0], 1],
      ['republish', [2, 0], 2],
    ] as const)('%s, tools that end with %j -> %i', async (command, codes, expected) => {
      installServices(codes);
      const { code, stderr } = await run(...words[command]);
      expect(code).toBe(expected);
      const calls = stderr
        .split('\n')
        .flatMap((line) => / exec -T (\S+) node .*?-cli\.js (.*)$/.exec(line)?.slice(1) ?? []);
      const breakOff = asked[command].findIndex((name) => codeOf(name, codes) === 2);
      const all = breakOff === -1 ? asked[command] : asked[command].slice(0, breakOff + 1);
      expect(calls).toEqual(all.flatMap((name) => [name, `${given[command]} ${name}`]));
    });

    it('a service that does not run -> reported, and nothing is done', async () => {
      installDocker(newCompose, `*' exec '*) echo done >&2 ;;`);
      expect(await run('republish', '2026-01-31')).toEqual({
        code: 1,
        stderr: `${owners[0]} is not running: start it with \`STACK=docker make up-d\`\n`,
      });
    });
  });
});
