import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { confine } from './confinement.ts';
import { baseEnvironment } from './environment.ts';
import type { Command } from './program.ts';

const nobody = { uid: 65534, gid: 65534 };
const none = '0000000000000000';
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-confinement-test-'));
  chmodSync(directory, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function outputOf(command: Command): string {
  const { argv, environment, directory: cwd, uid, gid } = confine(command, directory);
  const [file, ...parameters] = argv;
  return spawnSync(file, parameters, { env: environment, cwd, uid, gid, encoding: 'utf8' }).stdout;
}

/** What the kernel says of a command's process. */
function rightsOf(command: Partial<Command>): Record<string, string> {
  const argv: [string, ...string[]] = ['cat', '/proc/self/status'];
  const status = outputOf({ argv, environment: baseEnvironment(), directory: '/', ...command });
  return Object.fromEntries(
    [...status.matchAll(/^(Uid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):[ \t]*(\S*)/gm)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  );
}

/** A working copy in a folder that is root's alone, and a program in it that names its user and reads a file beside it. */
function workingCopy(name: string, mode: number): Partial<Command> & Pick<Command, 'argv' | 'directory'> {
  const folder = path.join(directory, name, 'copy');
  mkdirSync(path.join(folder, 'service'), { recursive: true });
  chmodSync(path.join(directory, name), 0o700);
  const [script, file] = ['main.sh', 'text'].map((entry) => path.join(folder, 'service', entry));
  writeFileSync(script!, 'printf "%s %s" "$(id -u)" "$(cat ./text)"');
  writeFileSync(file!, 'read');
  chmodSync(file!, mode);
  return {
    ...nobody,
    argv: ['sh', script!],
    directory: path.join(folder, 'service'),
    workingCopy: { folder, check: ['test', '-r', file!] },
  };
}

// A plain user has no rights to give away, and a container may keep them from being given away.
const isRoot = process.getuid?.() === 0;
const givesUp = ['--bounding-set=-all', 'grep', '-q', `^CapBnd:.*${none}`, '/proc/self/status'];
const mayGiveUp = isRoot && spawnSync('setpriv', givesUp).status === 0;
const mayMount = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0;

describe('a program that root starts', () => {
  (mayGiveUp ? it : it.skip)('with a user -> that user, no group, no capability, none to be had', () => {
    expect(rightsOf(nobody)).toEqual({
      Uid: '65534',
      Groups: '',
      CapInh: none,
      CapPrm: none,
      CapEff: none,
      CapBnd: none,
      CapAmb: none,
      NoNewPrivs: '1',
    });
  });

  (mayGiveUp ? it : it.skip)('with a user, and a capability that it needs -> that one alone', () => {
    const bindsLowPorts = '0000000000000400';
    expect(rightsOf({ ...nobody, capabilities: ['net_bind_service'] })).toMatchObject({
      Uid: '65534',
      CapEff: bindsLowPorts,
      CapBnd: bindsLowPorts,
    });
  });

  (mayGiveUp ? it : it.skip)('without a user -> root, with the capabilities that it names', () => {
    expect(rightsOf({})).toMatchObject({ Uid: '0', CapPrm: none, CapEff: none, CapBnd: none, NoNewPrivs: '1' });
    expect(rightsOf({ capabilities: ['kill'] })).toMatchObject({ Uid: '0', CapEff: '0000000000000020' });
  });

  (mayMount ? it : it.skip)(
    'from a working copy below a folder of root’s -> its user reads it there, at another path',
    () => {
      const command = { environment: baseEnvironment(), ...workingCopy('closed', 0o644) };
      expect(outputOf(command)).toBe('65534 read');
      expect(confine(command, directory).note).toBeUndefined();
      expect(readdirSync(path.join(directory, 'working-copy'))).toEqual([]); // for everybody else there is nothing
    },
  );

  (isRoot ? it : it.skip)('from a working copy whose files its user can’t read -> root, and it says so', () => {
    const command = { environment: baseEnvironment(), ...workingCopy('unreadable', 0o600) };
    expect(outputOf(command)).toBe('0 read');
    expect(confine(command, directory).note).toContain('runs as root');
  });
});
