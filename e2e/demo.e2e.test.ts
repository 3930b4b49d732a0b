import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { loginAsAdmin, rest, settings } from './support/system.js';

/** Runs a command of the stack against the running system, as `make` does. */
async function stack(command: string): Promise<string[]> {
  return (await run(command)).stdout.split('\n');
}

function run(command: string): Promise<{ stdout: string; stderr: string }> {
  const environment = { ...process.env, ...settings, NO_COLOR: '1' };
  return promisify(execFile)(process.execPath, ['stack/main.ts', command], { env: environment });
}

describe('the demonstration', () => {
  it('demo -> the whole scenario runs to its end', async () => {
    const { stdout, stderr } = await run('demo');
    const lines = stdout.split('\n');
    const titles = lines.filter((line) => /^\d+\. /.test(line)).map((line) => line.replace(/^\d+\. /, ''));
    expect(titles.length).toBeGreaterThan(5);
    // Without a terminal each title stands there once, progress and all.
    expect(titles.filter((title) => `${stdout}${stderr}`.split(title).length !== 2)).toEqual([]);
    expect(lines).toEqual(
      expect.arrayContaining([
        '5. With another card the provider takes the money, but never answers',
        '   the reconciler has asked the provider: success, charged once',
        '   404 NOT_FOUND: as if it did not exist',
        '   payment refunded by itself: 999.99 USD',
        '   order-service: 401 UNAUTHORIZED',
      ]),
    );
  });

  it('seed, twice -> customers with orders in every state, and no second set of them', async () => {
    const first = await stack('seed');
    expect(first).toContain('ada@example.com / password123: Ada Lovelace, 8 orders');
    expect(await stack('seed')).toContain('nothing was missing');

    const { token } = await loginAsAdmin();
    for (const status of ['pending', 'confirmed', 'shipped', 'delivered', 'cancelled']) {
      const { body } = await rest('GET', `/orders?status=${status}&limit=1`, { token });
      expect(body.meta.total).toBeGreaterThan(0);
    }
  });
});
