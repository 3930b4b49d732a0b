import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { systemdUnit } from './commands/systemd-unit.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'shop-unit-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const hasSystemd = existsSync('/usr/bin/systemd-analyze');

/** Whether systemd understands it, and what it says. */
function verify(unit: string): { status: number | null; said: string } {
  const file = path.join(scratch, 'shop.service');
  writeFileSync(file, unit);
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  const said = (stdout + stderr).split('\n').filter((line) => line.includes('shop.service'));
  return { status, said: said.join('\n') };
}

describe('make systemd-unit', () => {
  (hasSystemd ? it : it.skip).each(['shop', 'my 50% shop', "John's shop", 'プロジェクト'])(
    'a working copy named %s -> a unit that systemd takes without a word',
    (name) => {
      const directory = path.join(scratch, name);
      mkdirSync(directory, { recursive: true });
      expect(verify(systemdUnit({ directory, user: 'daemon' }))).toEqual({ status: 0, said: '' });
    },
  );

  (hasSystemd ? it : it.skip)('a setting that systemd does not know -> noticed by that test', () => {
    const unit = systemdUnit({ directory: scratch, user: 'daemon' }).replace('KillMode=mixed', 'KillMode=gently');
    expect(verify(unit).said).toMatch(/gently/);
  });

  it('in somebody’s home -> the home can be read; elsewhere no home can', () => {
    expect(systemdUnit({ directory: '/home/ann/shop', user: 'ann' })).toContain('ProtectHome=read-only\n');
    expect(systemdUnit({ directory: '/srv/shop', user: 'shop' })).toContain('ProtectHome=yes\n');
  });
});
