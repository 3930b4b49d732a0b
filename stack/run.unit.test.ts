import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

describe('run.sh', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'shop-run-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it.each(['10:30', 'a*b', 'why?', 'back\\slash', 'two\nlines'])(
    'a folder named %j -> named before anything runs',
    (name) => {
      mkdirSync(path.join(directory, name, 'stack'), { recursive: true });
      cpSync(path.join(repository, 'stack/run.sh'), path.join(directory, name, 'stack/run.sh'));
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

  it.each([
    ['0000', '0002'],
    ['0077', '0077'],
  ])('a umask of %s -> %s: what it makes not everybody may change', (given, used) => {
    const script = `umask ${given}; exec sh '${path.join(repository, 'stack/run.sh')}' sh -c umask`;
    expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout).toBe(`${used}\n`);
  });
});
