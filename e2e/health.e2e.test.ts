import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { eventually, settings } from './support/system.js';

/** `make health` on the running system. */
const health = (): Promise<{ code: unknown; stdout: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, ...settings, NO_COLOR: '1' };
    execFile(process.execPath, ['stack/main.ts', 'health'], { env }, (error, stdout) => {
      resolve({ code: error?.code ?? 0, stdout });
    });
  });

describe('make health', () => {
  it('everything runs -> 0; one part does not -> 1, and which', async () => {
    // The one part that no test needs, and that this system does without.
    let status = 200;
    const adminer = createServer((_request, response) =>
      response.writeHead(status).end('<!doctype html><html></html>'),
    );
    adminer.listen(Number(settings.ADMINER_PORT), '127.0.0.1');
    await once(adminer, 'listening');
    try {
      await eventually(async () => {
        const { code, stdout } = await health();
        expect(stdout).not.toMatch(/DOWN|DEGRADED/);
        expect(code).toBe(0);
      });
      status = 500; // it listens, and has no page to show
      expect((await health()).stdout).toMatch(/^adminer +DOWN +port \d+: 500$/m);
    } finally {
      adminer.close();
      await once(adminer, 'close');
    }

    const { code, stdout } = await health();

    expect(code).toBe(1);
    expect(stdout.split('\n').filter((line) => /DOWN|DEGRADED/.test(line))).toEqual([
      expect.stringMatching(/^adminer +DOWN/),
    ]);
  });
});
