import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { baseEnvironment } from '../environment.ts';
import { nodeService } from './node-service.ts';

let stackDirectory: string;
beforeEach(() => {
  stackDirectory = mkdtempSync(path.join(tmpdir(), 'node-service-'));
  chmodSync(stackDirectory, 0o755); // as a stack's
});
afterEach(() => rmSync(stackDirectory, { recursive: true }));

const service = () =>
  nodeService({
    name: 'order-service',
    stackDirectory,
    host: '127.0.0.1',
    port: 8082,
    portVariable: 'ORDER_SERVICE_PORT',
    needs: [],
    environment: baseEnvironment(),
  });

describe('what V8 has compiled of a service', () => {
  it('is kept for its next start, in a folder that is its alone', async () => {
    const program = service();
    await program.prepare?.();
    const { environment, uid } = program.command();
    const { NODE_COMPILE_CACHE: folder = 'none' } = environment;
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(folder).uid).toBe(uid ?? process.getuid?.());
    const script = 'process.stdout.write(String(require("node:module").getCompileCacheDir()))';
    // As who runs the tests: its own user may not get to a working copy that is root's alone.
    const { stdout } = spawnSync(process.execPath, ['-e', script], { env: environment, encoding: 'utf8' });
    expect(stdout.startsWith(`${folder}/`)).toBe(true);
  });
});
