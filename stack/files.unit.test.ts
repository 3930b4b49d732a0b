import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fingerprintFiles, steps } from './build.ts';
import { lockFaults } from './commands/check-lock.ts';
import { lastLines, lineReader, logFile, logNames, openLog, rotateLogsRegularly } from './log-files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('logs', () => {
  it('a log that has grown too large -> is put aside once, and starts again', () => {
    openLog(directory, 'api').close();
    const file = logFile(directory, 'api');
    truncateSync(file, 11 * 1024 * 1024);
    openLog(directory, 'api').close();
    expect(statSync(file).size).toBe(0);
    expect(statSync(`${file}.1`).size).toBe(11 * 1024 * 1024);
  });

  it('logs that grow too large while their programs write -> are put aside, and written on from the start', () => {
    const logs = ['api', 'database'].map((name) => ({ file: logFile(directory, name), ...openLog(directory, name) }));
    const write = (output: number | 'ignore', text: string | Buffer) => {
      if (output !== 'ignore') writeFileSync(output, text);
    };
    for (const { output } of logs) write(output, Buffer.alloc(11 * 1024 * 1024, 'x'));
    jest.useFakeTimers();
    const stop = rotateLogsRegularly(directory, () => undefined);
    jest.advanceTimersByTime(60_000);
    stop();
    jest.useRealTimers();
    for (const { output, file, ...log } of logs) {
      write(output, 'one more line\n');
      log.close();
      expect(readFileSync(file, 'utf8')).toBe('one more line\n');
      expect(statSync(`${file}.1`).size).toBe(11 * 1024 * 1024);
      expect(lastLines(file, 1, 11 * 1024 * 1024)).toEqual(['one more line']);
    }
    expect(logNames(directory)).toEqual(['api', 'database']);
  });

  it('a log of modest size -> is continued', () => {
    openLog(directory, 'api').close();
    appendFileSync(logFile(directory, 'api'), 'one\ntwo\nthree\n');
    openLog(directory, 'api').close();
    expect(lastLines(logFile(directory, 'api'), 2)).toEqual(['two', 'three']);
    expect(logNames(directory)).toEqual(['api']);
  });

  it('a log that grows -> only whole new lines are read, across truncation and odd cuts', () => {
    const file = path.join(directory, 'log');
    writeFileSync(file, 'old\n');
    const lines: string[] = [];
    const read = lineReader(file, (line) => lines.push(line));
    appendFileSync(file, 'one\ntw');
    read();
    expect(lines).toEqual(['one']);
    appendFileSync(file, 'o – ü\n\n');
    read();
    expect(lines).toEqual(['one', 'two – ü', '']);
    truncateSync(file);
    appendFileSync(file, 'new\n');
    read();
    expect(lines.at(-1)).toBe('new');
  });

  it('a log that does not exist yet -> is read from its beginning once it does', () => {
    const lines: string[] = [];
    const read = lineReader(path.join(directory, 'log'), (line) => lines.push(line));
    read();
    writeFileSync(path.join(directory, 'log'), 'first\n');
    read();
    expect(lines).toEqual(['first']);
  });
});

describe('fingerprintFiles', () => {
  const write = (file: string, text = '') => {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  };
  /** The steps that have to be done again after a change. */
  const stale = (change: () => void) => {
    const fingerprints = () => steps.map(({ reads }) => fingerprintFiles(directory, reads));
    const before = fingerprints();
    change();
    const after = fingerprints();
    return steps.filter((_step, i) => before[i] !== after[i]).map(({ name }) => name);
  };

  beforeEach(() => {
    write('common/src/money/index.ts', 'export const one = 1;\n');
    write('user-service/prisma/schema.prisma');
  });

  it('nothing has changed -> nothing to do', () => {
    expect(stale(() => undefined)).toEqual([]);
  });

  it('a source is added, changed or removed -> compile', () => {
    expect(stale(() => write('common/src/new.ts'))).toEqual(['compile']);
    expect(stale(() => write('common/src/new.ts', '// more\n'))).toEqual(['compile']);
    expect(stale(() => rmSync(path.join(directory, 'common/src/new.ts')))).toEqual(['compile']);
  });

  it('a schema changes, a description or a package -> generate and compile', () => {
    expect(stale(() => write('user-service/prisma/schema.prisma', 'model User {}'))).toEqual(['generate', 'compile']);
    expect(stale(() => write('package-lock.json', '{}'))).toEqual(['generate', 'compile']);
    expect(stale(() => write('user-service/openapi.json', '{}'))).toEqual(['generate', 'compile']);
  });

  it('tests change, or what the build makes -> nothing to do', () => {
    expect(stale(() => write('common/src/money/money.unit.test.ts'))).toEqual([]);
    expect(stale(() => write('common/dist/index.js'))).toEqual([]);
    expect(stale(() => write('user-service/src/generated/client.ts'))).toEqual([]);
  });
});

describe('lockFaults', () => {
  it('a lock with all its platform packages and no registry -> none', () => {
    const packages = { '': {}, 'node_modules/a': { optionalDependencies: { b: '1' } }, 'node_modules/b': {} };
    expect(lockFaults(packages)).toEqual([]);
  });

  it('a platform package that is absent, a registry that is named -> one fault each', () => {
    const packages = {
      'node_modules/a': { optionalDependencies: { 'a-linux': '1', 'a-darwin': '1' } },
      'node_modules/a-linux': { resolved: 'https://registry.example/a-linux.tgz' },
      'node_modules/@shop/common': { resolved: 'common', link: true },
    };
    expect(lockFaults(packages)).toEqual([
      'node_modules/a lacks a-darwin: use a version whose packages are complete',
      'node_modules/a-linux names its registry: npm ci --omit-lockfile-registry-resolved',
    ]);
  });
});

it('the repository -> has a lock file without faults', () => {
  const lock = path.join(import.meta.dirname, '../package-lock.json');
  expect(existsSync(lock)).toBe(true);
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as { packages: Record<string, object> };
  expect(lockFaults(packages)).toEqual([]);
});
