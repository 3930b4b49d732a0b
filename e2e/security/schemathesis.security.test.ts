import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loginAsAdmin, urls } from '../support/system.js';

const PACKAGE = 'schemathesis==4.32.5';
/** Of each service, shared among its operations. */
const CASES = Number(process.env.CASES ?? 5_000);
const SEED = process.env.SEED ?? '1';
const config = path.join(import.meta.dirname, 'support/schemathesis.toml');
/** It would end the login that all others are asked with. */
const ENDING = 'logOut';

const folder = mkdtempSync(path.join(tmpdir(), 'schemathesis-'));
const program = path.join(folder, 'bin/schemathesis');
/** Why there is none, if so. */
let missing: string | undefined;

beforeAll(async () => {
  try {
    await promisify(execFile)('python3', ['-m', 'venv', folder]);
    await promisify(execFile)(path.join(folder, 'bin/pip'), ['install', '--quiet', PACKAGE]);
  } catch (error) {
    missing = error instanceof Error ? error.message : String(error);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Its exit code, and what it printed. */
const run = (parts: string[]): Promise<{ code: unknown; report: string }> =>
  new Promise((resolve) => {
    execFile(program, parts, { cwd: folder, maxBuffer: 50_000_000 }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, report: stdout + stderr });
    });
  });

describe('what schemathesis makes of a description, with data that fits it and data that does not', () => {
  it.each([
    ['order-service', urls.orderService],
    ['payment-service', urls.paymentService],
    ['user-service', urls.userService], // last: it may change the very account that asks
  ])('%s -> nothing but what is described, no 5xx', async (name, url) => {
    if (missing !== undefined) {
      process.stdout.write(`${name}: not tried by schemathesis, which needs Python 3 with venv and pip: ${missing}\n`);
      return;
    }
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
    const operations = Object.values(document.paths).flatMap((methods) => Object.keys(methods as object)).length;
    const { token } = await loginAsAdmin();
    const { code, report } = await run([
      ...['--config-file', config, 'run', `${url}/openapi.json`, '--header', `Authorization: Bearer ${token}`],
      ...['--phases', 'examples,coverage,fuzzing', '--continue-on-failure', '--seed', SEED],
      ...['--max-examples', String(Math.ceil(CASES / operations)), '--exclude-operation-id', ENDING],
    ]);
    process.stdout.write(`${name}: ${/\d+ generated.*/.exec(report)?.[0] ?? 'none generated'}\n`);
    expect(code === 0 ? '' : report).toBe('');
  });
});
