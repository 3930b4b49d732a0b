import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { services } from './services.ts';
import { repository } from './paths.ts';
import { heapFlags } from './programs/node-service.ts';
import { parseSettings, portOf } from './settings.ts';

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const dockerfile = read('Dockerfile');
/** testing/ is installed with the others, and goes into no image. */
const isInImages = (name: string): boolean => name !== 'testing';
const programs = services.map(({ name }) => name);
const inImages = ['common', ...programs];
const capturesOf = (pattern: RegExp, text: string): string[] =>
  Array.from(text.matchAll(pattern), ([, one = '']) => one);

interface Packed {
  name: string;
  files: { path: string }[];
}

describe('the Dockerfile', () => {
  it('the workspaces -> their manifests are there when packages are installed, and their sources reach the build', () => {
    const { workspaces: patterns } = JSON.parse(read('package.json')) as { workspaces: string[] };
    expect(dockerfile).toContain(`cp --parents ${patterns.map((pattern) => `${pattern}/package.json`).join(' ')} `);
    expect(capturesOf(/^!([^.\n]+)$/gm, read('.dockerignore'))).toEqual(patterns.filter(isInImages));
    expect(read('.dockerignore')).toMatch(/^!testing\/package\.json$/m);
    expect(globSync(patterns, { cwd: repository }).filter(isInImages).toSorted()).toEqual(inImages.toSorted());
  });

  it('docker-compose.yml -> builds an image of each program, for the port that it listens on there', () => {
    const compose = read('docker-compose.yml');
    const builds = [...compose.matchAll(/^ {4}build: \{ context: \., args: \{ WORKSPACE: (\S+), PORT: (\d+) \} \}$/gm)];
    expect(builds.map(([, workspace]) => workspace).toSorted()).toEqual(programs.toSorted());
    expect(compose.match(/build:/g)).toHaveLength(builds.length);
    const { ports } = parseSettings([read('.env.example')], {});
    for (const { name, portVariable } of services) {
      const port = builds.find(([, workspace]) => workspace === name)?.[2];
      expect([name, port]).toEqual([name, String(portOf(ports, portVariable))]);
      expect(compose).toContain(`      ${portVariable}: ${port}\n`);
    }
  });

  it('what an image gets of each workspace -> what was compiled and what that reads: no sources, nothing of tests', async () => {
    const { stdout } = await promisify(execFile)(
      'npm',
      ['pack', '--dry-run', '--json', '--ignore-scripts', ...inImages.flatMap((name) => ['-w', name])],
      { cwd: repository, maxBuffer: 64 * 1024 * 1024 },
    );
    const packed = JSON.parse(stdout) as Packed[];
    expect(packed.map(({ name }) => name.split('/')[1]).toSorted()).toEqual(inImages.toSorted());
    for (const { name, files } of packed) {
      const paths = files.map((file) => file.path);
      const folders = new Set(paths.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
      expect([name, [...folders].filter((folder) => !['dist', 'generated', 'prisma'].includes(folder ?? ''))]).toEqual([
        name,
        [],
      ]);
      expect(paths.filter((file) => /(^|\/)(testing|test)\/|\.test\.|(^|\/)\./.test(file))).toEqual([]);
      if (!name.endsWith('/common')) expect(paths).toContain('dist/main.js');
    }
  });
});

describe('what V8 has compiled, in an image', () => {
  it('is made with the flags of the entry point, those of the native stack: with others it does not count', () => {
    expect(dockerfile).toContain(`ENTRYPOINT ${JSON.stringify(['node', ...heapFlags]).replaceAll(',', ', ')}\n`);
    expect(dockerfile).toContain(`RUN node ${heapFlags.join(' ')} --input-type=module --eval `);
  });

  it.each(programs)('%s -> comes from importing all of it, which starts nothing', async (name) => {
    const [, script = ''] = /^RUN node .*--eval "(.*)"$/m.exec(dockerfile) ?? [];
    const here = script.replace('/app/${WORKSPACE}', path.join(repository, name));
    const folder = mkdtempSync(path.join(tmpdir(), 'compile-cache-'));
    try {
      const env = { NODE_ENV: 'production', NODE_COMPILE_CACHE: folder };
      await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', here], { env, timeout: 60_000 });
      const [kept = 'none'] = readdirSync(folder);
      expect(readdirSync(path.join(folder, kept)).length).toBeGreaterThan(500);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the health check of an image', () => {
  const [, command = ''] = /^HEALTHCHECK [^\n]*\\\n +CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  const [, script = ''] = (JSON.parse(command) as string[]).slice(1);
  let status = 200;
  const asked: (string | undefined)[] = [];
  const server = http.createServer(({ url }, response) => {
    asked.push(url);
    response.writeHead(status).end();
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => void server.close());

  const check = (env: (port: string) => Record<string, string>): Promise<number> => {
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve) => {
      const child = execFile(process.execPath, ['-e', script], { env: env(String(port)) });
      child.on('exit', (code) => resolve(code ?? -1));
    });
  };

  it.each(services.map(({ name, portVariable }) => [name, portVariable]))(
    '%s -> asks for /ready on the port that %s says, else on the one of the image',
    async (name, portVariable) => {
      status = 200;
      expect(await check((port) => ({ WORKSPACE: name, [portVariable]: port, DEFAULT_PORT: '1' }))).toBe(0);
      expect(await check((port) => ({ WORKSPACE: name, DEFAULT_PORT: port }))).toBe(0);
      expect(asked.at(-1)).toBe('/ready');
    },
  );

  it('a service that is not ready, or that nobody reaches -> 1', async () => {
    status = 503;
    expect(await check((port) => ({ WORKSPACE: 'gateway', DEFAULT_PORT: port }))).toBe(1);
    expect(await check(() => ({ WORKSPACE: 'gateway', DEFAULT_PORT: '1' }))).toBe(1);
  });
});
