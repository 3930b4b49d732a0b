import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { routesIn } from './commands/api-docs.ts';
import { ensureInstalled, systemPrograms } from './packages.ts';
import { services } from './services.ts';
import { repository } from './paths.ts';
import { reservePorts } from './ports.ts';
import { portVariables } from './settings.ts';

let directory: string;
let environment: Record<string, string>;
let release: () => Promise<void>;
beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-commands-'));
  chmodSync(directory, 0o755);
  const reserved = await reservePorts(portVariables.length);
  release = () => reserved.release();
  const required = systemPrograms.filter(({ testsOnly }) => !testsOnly).map(({ name }) => name);
  await ensureInstalled(required, directory);
  environment = {
    ...Object.fromEntries(portVariables.map((name, i) => [name, String(reserved.ports[i])])),
    STACK_DIR: path.join(directory, 'stack'),
    NO_COLOR: '1',
  };
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await release();
});

/** A search path with all programs but these. */
function pathWithout(...names: string[]): string {
  const folder = path.join(directory, `without-${names.join('-')}`);
  mkdirSync(folder);
  for (const from of (process.env.PATH ?? '').split(':').filter((one) => existsSync(one))) {
    for (const name of readdirSync(from)) {
      if (!names.includes(name) && !existsSync(path.join(folder, name)))
        symlinkSync(path.join(from, name), path.join(folder, name));
    }
  }
  return folder;
}

const run = (command: string, changes: Record<string, string> = {}): Promise<{ code: unknown; stdout: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, ...environment, ...changes };
    execFile(process.execPath, ['stack/main.ts', command], { cwd: repository, env }, (error, stdout) => {
      resolve({ code: error?.code ?? 0, stdout });
    });
  });

describe('make doctor', () => {
  it('a machine without what only some tests need -> nothing that make up could not run without, and how to get it', async () => {
    const { code, stdout } = await run('doctor', { PATH: pathWithout('slowhttptest', 'chromium') });

    expect(stdout).toMatch(/^- +slowhttptest +.*Debian: slowhttptest/m);
    expect(stdout).toMatch(/^- +chromium +.*Debian: chromium/m);
    expect(stdout).not.toContain('✗');
    expect(stdout).not.toContain('`make up`');
    expect(stdout).toMatch(
      /^For all of the tests, as root: `make packages NAME="([a-z]+ )*chromium slowhttptest"`\.$/m,
    );
    expect(code).toBe(0);
  });

  it('a machine without make -> 1, and how to get it', async () => {
    const { code, stdout } = await run('doctor', { PATH: pathWithout('make') });

    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ +make +install it: apt-get install make$/m);
  });
});

describe('make api-docs', () => {
  it('every route of every service -> listed with who may call it, and where the system answers', async () => {
    const { code, stdout } = await run('api-docs');

    expect(code).toBe(0);
    expect(stdout).toContain(`http://localhost:${environment.GATEWAY_PORT}`);
    const withRoutes = services.filter(({ name }) => name !== 'gateway');
    for (const { name } of withRoutes) {
      const described = routesIn(readFileSync(path.join(repository, name, 'README.md'), 'utf8'));
      expect(described?.routes.length).toBeGreaterThan(4);
      expect(stdout).toContain(`${name}, below ${described?.base}`);
      for (const [route = ''] of described?.routes ?? []) expect(stdout).toContain(route);
    }
    for (const file of stdout.match(/docs\/[a-z]+\.md/g) ?? [])
      expect(existsSync(path.join(repository, file))).toBe(true);
  });
});
