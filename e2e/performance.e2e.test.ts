import { execFile, type ExecFileException } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { register, settings, urls } from './support/system.js';

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

const run = (script: string, ...parameters: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const environment = { ...process.env, ...settings, NO_COLOR: '1' };
    const done = (error: ExecFileException | null, stdout: string, stderr: string): void =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    execFile(process.execPath, [`perf/${script}`, ...parameters], { env: environment }, done);
  });

describe('load on one address', () => {
  it('every request succeeds -> how many a second, and within which times', async () => {
    const { token } = await register();
    const url = `${urls.userService}/api/v1/users/me`;
    const { code, stdout } = await run('load-test.ts', url, '--concurrency', '5', '--requests', '40', '--token', token);
    expect(stdout).toMatch(/^succeeded 40 of 40\nrequests {2}\d+ a second\ntimes {5}[\d.]+ ms(, [\d.]+ ms){3} \(/);
    expect(code).toBe(0);
  });

  it.each([
    ['refused', () => `${urls.userService}/api/v1/users/me`, /^failed {4}10: 10 x 401$/m],
    ['not answered by anybody', () => 'http://127.0.0.1:9/', /^failed {4}10: 10 x ECONNREFUSED$/m],
  ])('requests are %s -> they are counted first, and the command fails', async (_, url, line) => {
    const { code, stdout } = await run('load-test.ts', url(), '--concurrency', '2', '--requests', '10');
    expect(stdout).toMatch(line);
    expect(stdout).toContain('succeeded 0 of 10');
    expect(code).toBe(1);
  });

  it.each([
    [['localhost']],
    [['ftp://localhost/']],
    [['http://localhost/', '--requests', '0']],
    [['http://localhost/', '--concurrency', '1.5']],
  ])('%j -> what is wrong, in one line', async (parameters) => {
    const { code, stderr } = await run('load-test.ts', ...parameters);
    expect(stderr).toMatch(/^.*(Usage: make load-test|is a whole number from 1 to).*\n$/);
    expect(code).toBe(1);
  });
});

describe('the quick measurement of the running system', () => {
  it("everything is well -> states, times and what nginx's cache saves", async () => {
    const { code, stdout, stderr } = await run('performance/main.ts', '--quick');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^SERVICE STATUS\n-+\n[^]*^user-service: +healthy/m);
    expect(stdout).toMatch(/^Order health: +[\d.]+ ms median, [\d.]+ ms at 99 %$/m);
    expect(stdout).toMatch(/^First request \(cache MISS\): [\d.]+ ms\nNext 100 \(cache HIT\): +[\d.]+ ms median$/m);
    expect(stdout).toMatch(/^no request failed$/m);
    expect(code).toBe(0);
  });
});
