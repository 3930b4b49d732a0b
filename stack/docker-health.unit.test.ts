import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';
import { serviceWorkspaces } from './workspaces.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-docker-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const services = serviceWorkspaces.map(({ name }) => name);
const wanted = [...services, 'migrate-order', 'nginx', 'rabbitmq'];
const ready = '{"status":"ok","dependencies":{}}';

/** `make health` of a system in containers, as far as it depends on what Docker says. */
async function health({
  containers = wanted.map((name) => `${name} ${name === 'migrate-order' ? 'exited 0 ' : 'running 0 healthy'}`),
  readiness = ready,
}: {
  containers?: string[];
  readiness?: string;
}): Promise<{ code: unknown; stdout: string }> {
  const file = path.join(directory, 'docker');
  const answer = (lines: string[]) => `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}`;
  writeFileSync(
    file,
    `#!/bin/sh
case "$*" in
  'compose version --short') echo 2.39.1 ;;
  *' ps --all '*) ${answer(containers)} ;;
  *'config --services'*) ${answer(wanted)} ;;
  *' exec -T '*) ${answer([readiness])} ;;
esac
`,
  );
  chmodSync(file, 0o755);
  return new Promise((resolve) => {
    const options = { cwd: repository, env: { ...process.env, PATH: `${directory}:${process.env.PATH}` } };
    execFile('sh', ['stack/docker.sh', 'health'], options, (error, stdout) => {
      resolve({ code: error?.code ?? 0, stdout });
    });
  });
}

describe('make health, in containers', () => {
  it('everything is there and well -> 0', async () => {
    const { code, stdout } = await health({});

    expect(code).toBe(0);
    expect(stdout).toMatch(/^migrate-order +done/m);
    for (const name of [...services, 'nginx', 'rabbitmq']) expect(stdout).toMatch(new RegExp(`^${name} +healthy`, 'm'));
  });

  it('a part has no container -> 1, and which', async () => {
    const { code, stdout } = await health({ containers: services.map((name) => `${name} running 0 healthy`) });

    expect(code).toBe(1);
    expect(stdout).toMatch(/^nginx +DOWN +no container$/m);
    expect(stdout).toMatch(/^rabbitmq +DOWN +no container$/m);
    expect(stdout).not.toContain('migrate');
  });

  it('a service lacks something -> 1, and what', async () => {
    const { code, stdout } = await health({ readiness: '{"status":"degraded","dependencies":{"broker":"down"}}' });

    expect(code).toBe(1);
    expect(stdout).toMatch(/^gateway +DEGRADED +.*"broker":"down"/m);
  });

  it('a container has crashed -> 1, and how', async () => {
    const others = wanted.filter((name) => name !== 'nginx' && name !== 'migrate-order');
    const containers = [...others.map((name) => `${name} running 0 healthy`), 'nginx exited 137 '];
    const { code, stdout } = await health({ containers });

    expect(code).toBe(1);
    expect(stdout).toMatch(/^nginx +DOWN +exited, exit code 137$/m);
  });
});
