import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import pg from 'pg';
import { isListening } from './ports.ts';
import { markedProcesses } from './processes.ts';
import { removeLeftOvers } from './test-directories.ts';
import { StateFile } from './state.ts';
import { repository } from './paths.ts';
import { until } from './test/stand-ins.ts';

describe('test infrastructure', () => {
  it('killed with its run -> works until then, and the next start ends and removes it', async () => {
    const main = path.join(import.meta.dirname, 'main.ts');
    const child = spawn(process.execPath, [main, 'test-infrastructure'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const variables: Record<string, string> = {};
    for await (const line of createInterface(child.stdout)) {
      const [, name = '', value = ''] = /^export (\w+)=(.*)$/.exec(line) ?? [];
      variables[name] = value;
      if (name === 'TEST_RABBITMQ_MANAGEMENT_URL') break;
    }

    const client = new pg.Client(variables.TEST_POSTGRES_URL);
    await client.connect();
    const { rows } = await client.query<{ setting: string }>("SELECT setting FROM pg_settings WHERE name = 'fsync'");
    await client.end();
    expect(rows).toEqual([{ setting: 'off' }]);
    const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
    const overview = await fetch(`${variables.TEST_RABBITMQ_MANAGEMENT_URL}/api/overview`, {
      headers: { authorization },
    });
    expect(overview.status).toBe(200);

    const native = path.join(repository, '.native');
    const name = readdirSync(native).find((entry) => entry.startsWith(`test-${child.pid}-`)) ?? '';
    const directory = path.join(native, name);
    child.kill('SIGKILL');
    await until(() => new StateFile(directory).readRunning() === undefined);
    const amqpPort = Number(new URL(variables.TEST_RABBITMQ_URL ?? '').port);
    expect(await isListening(amqpPort)).toBe(true);

    await removeLeftOvers();
    expect(existsSync(directory)).toBe(false);
    expect(markedProcesses(directory)).toEqual([]);
    expect(await isListening(amqpPort)).toBe(false);
  });
});
