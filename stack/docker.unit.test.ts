import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

const tools = ['dirname', 'awk', 'sed', 'grep', 'sort', 'head', 'id'];
let programs: string;

beforeEach(() => {
  programs = mkdtempSync(path.join(tmpdir(), 'docker-'));
  for (const tool of tools) symlinkSync(`/usr/bin/${tool}`, path.join(programs, tool));
});

afterEach(() => rmSync(programs, { recursive: true }));

/** A `docker` that answers as the lines of a shell's `case` say. */
function installDocker(...cases: string[]): void {
  const file = path.join(programs, 'docker');
  writeFileSync(file, `#!/bin/sh\ncase "$*" in\n${cases.join('\n')}\nesac\n`);
  chmodSync(file, 0o755);
}

const run = (...args: string[]): Promise<{ code: number; stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: programs, JWT_PRIVATE_KEY: 'a key' };
    execFile('/bin/sh', [path.join(repository, 'stack/docker.sh'), ...args], { env }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });

const unavailable = 69;
const newCompose = "'compose version --short') echo 2.26.1 ;;";

describe('stack/docker.sh', () => {
  it('no docker -> told where it comes from, with the code for what this machine can not do', async () => {
    expect(await run('doctor')).toEqual({ code: unavailable, stderr: expect.stringMatching(/^Docker is missing: /) });
  });

  it('docker without Compose v2 -> the same', async () => {
    installDocker('compose*) exit 1 ;;');
    expect(await run('up')).toEqual({ code: unavailable, stderr: expect.stringMatching(/^Compose v2 is missing: /) });
  });

  it.each(['2.20.3', 'v2.17.0', '1.29.2'])(
    'Compose %s -> too old, told with the version that is needed',
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

  it('an engine that does not answer -> told', async () => {
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
    const [base] = /node:\S+/.exec(readFileSync(path.join(repository, 'gateway/Dockerfile'), 'utf8')) ?? [];
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
      'run*) echo "POSTGRES_USER=shop" ;;',
      `*' up '*) exit 1 ;;`,
      `*' ps --all '*) printf '%s\\n' 'postgres-user running 0 healthy' 'migrate-user exited 1 ' 'gateway created 0 ' ;;`,
      `*' logs '*migrate-user) printf '\\033[2Kpassword authentication failed for user "shop"\\n' ;;`,
    );
    const { code, stderr } = await run('up', '-d');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'migrate-user failed (exited, exit code 1). Its log ends with:\n' +
        '  password authentication failed for user "shop"\n' +
        'Its database was made with another POSTGRES_USER or POSTGRES_PASSWORD: put the earlier values back',
    );
    expect(stderr).not.toMatch(/gateway|postgres-user/);
  });

  it.each([
    ['without Jaeger among what runs', 'gateway', 'http://jaeger:4318', ''],
    ['with it', 'gateway\njaeger', 'http://jaeger:4318', 'http://jaeger:4318'],
    ['a collector of somebody’s own', 'gateway', 'http://collector:4318', 'http://collector:4318'],
  ])('traces %s -> they go where somebody takes them', async (_what, services, endpoint, expected) => {
    installDocker(
      newCompose,
      `*'config --services') echo '${services}' ;;`,
      `*' config') echo "  OTEL_EXPORTER_OTLP_ENDPOINT: ${endpoint}" ;;`,
      `*' up '*) echo "endpoint=\${CONTAINER_OTLP_ENDPOINT-${endpoint}}." >&2 ;;`,
    );
    expect((await run('up', '-d')).stderr).toContain(`endpoint=${expected}.`);
  });
});
