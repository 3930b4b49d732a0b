import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

/** Those of the Go system, whose users know them, and our own. */
const targets = [
  ...['up', 'up-d', 'down', 'restart', 'logs', 'logs-f', 'build', 'infra'],
  ...['run-gateway', 'run-user', 'run-order', 'run-payment'],
  ...['nginx-up', 'nginx-down', 'nginx-restart', 'nginx-logs', 'nginx-clear-cache', 'nginx-status'],
  ...['test', 'test-user', 'test-order', 'test-payment', 'test-gateway', 'test-common', 'test-coverage'],
  ...[
    'test-chaos',
    'test-security',
    'test-alerts',
    'migrate-up',
    'migrate-down',
    'migrate-status',
    'lint',
    'fmt',
    'tidy',
  ],
  ...['health', 'status', 'doctor', 'api-docs', 'clean', 'clean-all'],
  ...['seed', 'demo', 'create-admin', 'dlq-list', 'dlq-replay', 'reconcile'],
];

const make = async (...parameters: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)('make', ['--no-print-directory', ...parameters], { cwd: repository });
  return stdout;
};

describe('the Makefile', () => {
  it.each(targets)('%s -> it can be made', async (target) => {
    expect(await make('-n', target)).not.toBe('');
  });

  it('help -> every target with a line of its own, and nothing else', async () => {
    const lines = (await make('help')).trimEnd().split('\n');
    const listed = lines.map((line) => line.trim().split(' ', 1)[0]);
    expect(listed).toEqual(expect.arrayContaining(targets));
    expect(lines.filter((line) => !/^ {2}[a-z-]+ +\S.+$/.test(line))).toEqual([]);
  });
});
