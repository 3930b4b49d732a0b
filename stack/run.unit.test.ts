import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { limitFaults } from './limits.ts';
import { repository } from './paths.ts';

describe('run.sh', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'shop-run-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** A copy of the script, in a folder without packages. */
  function copyTo(folder: string): void {
    mkdirSync(path.join(folder, 'stack'), { recursive: true });
    cpSync(path.join(repository, 'stack/run.sh'), path.join(folder, 'stack/run.sh'));
  }

  it.each(['10:30', 'a*b', 'why?', 'back\\slash', 'two\nlines'])(
    'a folder named %j -> named before anything runs',
    (name) => {
      copyTo(path.join(directory, name));
      const { status, stderr } = spawnSync('sh', ['stack/run.sh', 'true'], {
        cwd: path.join(directory, name),
        encoding: 'utf8',
      });
      expect(status).toBe(1);
      expect(stderr).toMatch(
        /^The name of this folder has (one of : \* \? \\|a line break) in it, which programs can't be in/,
      );
    },
  );

  it("variables of a shell for PostgreSQL's clients and for Node -> the command does not see them", () => {
    const shell = {
      PGHOST: 'db',
      PGSSLMODE: 'require',
      NODE_OPTIONS: '--require /no/such/module.js',
      NODE_USE_ENV_PROXY: '1',
    };
    const { stdout, stderr } = spawnSync('sh', [path.join(repository, 'stack/run.sh'), 'env'], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PG_BIN: '/ours', ...shell },
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const names = stdout.split('\n').map((line) => line.split('=')[0] ?? '');
    expect(names).toContain('PG_BIN');
    expect(names.filter((name) => name in shell)).toEqual([]);
  });

  it('too few open files -> said before packages are installed, as a start would', () => {
    copyTo(directory);
    const limited = ['-c', 'ulimit -n 200; exec sh stack/run.sh true'];
    const { status, stderr } = spawnSync('sh', limited, { cwd: directory, encoding: 'utf8' });

    const [fault = ''] = limitFaults({ files: 200, threads: Number.POSITIVE_INFINITY }, () => 0, 2);
    expect([status, stderr]).toEqual([1, `${fault}\n`]);
  });

  it('two commands at once that find no packages -> installed once, and both run', async () => {
    copyTo(directory);
    writeFileSync(path.join(directory, 'package-lock.json'), '{"packages":{}}');
    const programs = path.join(directory, 'programs');
    mkdirSync(programs);
    const npm = [
      '#!/bin/sh',
      'if [ "$1" = --version ]; then echo 11.0.0; exit; fi',
      'echo begin >>calls; mkdir -p node_modules; sleep 1',
      'cp package-lock.json node_modules/.package-lock.json; echo end >>calls',
    ];
    writeFileSync(path.join(programs, 'npm'), npm.join('\n'), { mode: 0o755 });
    const env = { PATH: [programs, path.dirname(process.execPath), process.env.PATH].join(':') };
    const run = () => promisify(execFile)('sh', ['stack/run.sh', 'sh', '-c', 'cat calls'], { cwd: directory, env });

    const answers = await Promise.all([run(), run()]);
    expect(answers.map(({ stdout }) => stdout)).toEqual(['begin\nend\n', 'begin\nend\n']);
    expect(readFileSync(path.join(directory, 'calls'), 'utf8')).toBe('begin\nend\n');
  });

  it.each([
    ['0000', '0002'],
    ['0077', '0077'],
  ])('a umask of %s -> %s: what it makes not everybody may change', (given, used) => {
    const script = `umask ${given}; exec sh '${path.join(repository, 'stack/run.sh')}' sh -c umask`;
    expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout).toBe(`${used}\n`);
  });
});
