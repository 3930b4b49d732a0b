import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { baseEnvironment } from './environment.ts';
import { isListening, reservePorts } from './ports.ts';
import { markedProcesses, waitUntilGone } from './processes.ts';
import { loadSettings, portVariables } from './settings.ts';
import { StateFile } from './state.ts';
import { until } from './test/stand-ins.ts';
import { databaseNames } from './workspaces.ts';

const servers = databaseNames.map((name) => `postgres-${name}`);

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** A folder and ports of its own for the command line to work with. */
async function createStack() {
  const directory = mkdtempSync(path.join(tmpdir(), 'shop-stack-cli-'));
  chmodSync(directory, 0o755); // in a container PostgreSQL runs as another user
  const reserved = await reservePorts(portVariables.length);
  const ports = Object.fromEntries(portVariables.map((name, i) => [name, String(reserved.ports[i])]));
  const environment: Record<string, string> = { ...baseEnvironment(), ...ports, STACK_DIR: directory };
  /** Its end, and what it has said so far. */
  const start = (...args: string[]) => {
    const { promise: ended, resolve } = Promise.withResolvers<Result>();
    const main = path.join(import.meta.dirname, 'main.ts');
    const child = execFile(process.execPath, [main, ...args], { env: environment }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
    let said = '';
    child.stderr?.on('data', (text: string) => (said += text));
    return { ended, stderr: () => said };
  };
  const run = (...args: string[]) => start(...args).ended;
  const dispose = async () => {
    await run('down');
    rmSync(directory, { recursive: true });
    await reserved.release();
  };
  return { directory, environment, run, start, dispose };
}

/** Holds the supervisor where it is: what others do meanwhile takes as long as it takes. */
function holdSupervisor(file: StateFile) {
  const { pid } = file.readRunning()!.supervisor;
  process.kill(pid, 'SIGSTOP');
  return {
    letGoOn: () => process.kill(pid, 'SIGCONT'),
    /** By a signal that it finds when it goes on. */
    isAskedToStop: () => {
      const [, pending = '0'] = /^ShdPnd:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      return (BigInt(`0x${pending}`) >> BigInt(constants.signals.SIGTERM - 1)) % 2n === 1n;
    },
  };
}

describe('the command line', () => {
  let stack: Awaited<ReturnType<typeof createStack>>;
  let started: Result;

  beforeAll(async () => {
    stack = await createStack();
    started = await stack.run('infra', '-d');
  });

  afterAll(() => stack.dispose());

  it('infra -> the servers run in the background, and their addresses are printed, plain for a pipe', async () => {
    const { code, stdout, stderr } = started;
    expect([code, stderr]).toEqual([0, expect.stringContaining('✓ rabbitmq')]);
    expect(stdout).toMatch(new RegExp(`Adminer +http://localhost:${stack.environment.ADMINER_PORT} `));
    expect(stdout + stderr).not.toContain('\x1b');

    const status = await stack.run('status');
    expect(status.code).toBe(0);
    for (const name of ['supervisor', ...servers, 'rabbitmq', 'adminer']) {
      expect(status.stdout).toMatch(new RegExp(`^${name} +ready `, 'm'));
    }
  });

  it('each server -> has its database, in the collation that sorts alike everywhere', async () => {
    const { user, password } = loadSettings(stack.environment).postgres;
    for (const name of databaseNames) {
      const port = Number(stack.environment[`${name.toUpperCase()}_DB_PORT`]);
      const login = { host: '127.0.0.1', port, user, password, database: name };
      const client = new pg.Client(login);
      await client.connect();
      const { rows } = await client.query<{ locale: string }>(
        'SELECT datlocale AS locale FROM pg_database WHERE datname = $1',
        [name],
      );
      await client.end();
      expect(rows).toEqual([{ locale: 'C.UTF-8' }]);
    }
  });

  it('Adminer -> offers the servers of all databases, and nothing else', async () => {
    const page = await (await fetch(`http://127.0.0.1:${stack.environment.ADMINER_PORT}`)).text();
    const options = /<select name='auth\[server\]'>(.*?)<\/select>/.exec(page)?.[1];
    expect(options?.split('<option>').slice(1)).toEqual(servers);
  });

  it('a second start -> tells that it runs already; one that asks for more is refused', async () => {
    const second = await stack.run('infra', '-d');
    expect([second.code, second.stderr]).toEqual([0, expect.stringContaining('already running')]);
    const up = await stack.run('up');
    expect([up.code, up.stderr]).toEqual([1, expect.stringContaining('`make down` first')]);
  });

  it('health -> distinguishes the servers from the services, which do not run', async () => {
    const { code, stdout } = await stack.run('health');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^rabbitmq +healthy/m);
    expect(stdout).toMatch(/^gateway +DOWN .*not reachable/m);
  });

  it('health, of a service that lacks something -> 1, and what', async () => {
    const readiness = {
      service: 'order-service',
      status: 'degraded',
      dependencies: { database: 'up', broker: 'down' },
    };
    const service = createServer((_request, response) => response.end(JSON.stringify(readiness)));
    service.listen(Number(stack.environment.ORDER_SERVICE_PORT), '127.0.0.1');
    await once(service, 'listening');
    try {
      const { code, stdout } = await stack.run('health');
      expect(code).toBe(1);
      expect(stdout).toMatch(/^order-service +DEGRADED .*"broker":"down"/m);
    } finally {
      service.close();
    }
  });

  it('nginx up, restart, down -> nginx alone starts, starts again and stops beside what runs', async () => {
    const entry = `http://127.0.0.1:${stack.environment.NGINX_PORT}`;
    const processId = () =>
      new StateFile(stack.directory).readRunning()!.programs.find(({ name }) => name === 'nginx')?.pid;
    expect(processId()).toBeUndefined();
    expect(await stack.run('nginx', 'status')).toMatchObject({ code: 3, stdout: 'nginx is not running\n' });

    expect(await stack.run('nginx', 'up')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nginx answers at'),
    });
    const first = processId();
    expect(first).toBeDefined();
    expect((await fetch(`${entry}/graphql`)).status).toBe(503); // no gateway, but nginx
    await stack.run('nginx', 'up');
    expect(processId()).toBe(first);

    const status = await stack.run('nginx', 'status');
    expect([status.code, status.stdout]).toEqual([
      0,
      expect.stringMatching(/^cache +0 answers, 0\.0 MB of 100 MB\nhit ratio +0\.0 % of 1 /m),
    ]);
    expect((await stack.run('nginx', 'clear-cache')).stdout).toContain('0 answers removed');
    expect((await stack.run('logs', 'nginx')).stdout).toContain('"path":"/graphql"');

    await stack.run('nginx', 'restart');
    expect(processId()).not.toBe(first);
    expect((await stack.run('nginx', 'down')).stderr).toContain('nginx has stopped');
    expect(processId()).toBeUndefined();
    await expect(fetch(entry)).rejects.toThrow('fetch failed');
    expect(await isListening(Number(stack.environment.RABBITMQ_PORT))).toBe(true);
  });

  it('nginx up on a port that is taken -> says who has it, and the rest goes on', async () => {
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen(Number(stack.environment.NGINX_PORT), '127.0.0.1', resolve));
    const { code, stderr } = await stack.run('nginx', 'up');
    await new Promise((resolve) => holder.close(resolve));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/port \d+ is taken by node .*NGINX_PORT/)]);
    expect(await isListening(Number(stack.environment.RABBITMQ_PORT))).toBe(true);
  });

  it('the supervisor is killed -> nothing is said to run, and down still ends what it left', async () => {
    const { supervisor } = new StateFile(stack.directory).readRunning()!;
    process.kill(supervisor.pid, 'SIGKILL');
    expect(await waitUntilGone(supervisor, 5_000)).toBe(true);
    expect(await stack.run('status')).toMatchObject({ code: 3, stdout: 'not running\n' });
    expect(await isListening(Number(stack.environment.RABBITMQ_PORT))).toBe(true);

    const down = await stack.run('down');
    expect([down.code, down.stderr]).toEqual([0, expect.stringContaining('the data stays')]);
    expect(markedProcesses(stack.directory)).toEqual([]);
    expect(await stack.run('down')).toMatchObject({ code: 0, stderr: 'nothing is running\n' });
  });

  it('a port that is taken -> one line that names the program and the setting, and nothing is started', async () => {
    const other = await createStack();
    const { EPMD_PORT } = other.environment;
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen(Number(EPMD_PORT), '127.0.0.1', resolve));
    const { code, stderr } = await other.run('infra', '-d');
    await new Promise((resolve) => holder.close(resolve));
    expect(code).toBe(1);
    const line = `port ${EPMD_PORT} is taken by node .*\\(pid ${process.pid}\\): stop it, or set EPMD_PORT`;
    expect(stderr).toMatch(new RegExp(`^${line} .*\n$`));
    expect(markedProcesses(other.directory)).toEqual([]);
    await other.dispose();
  });

  it('down while it starts in the background -> that start fails, and who waits for it is notified', async () => {
    const other = await createStack();
    const starting = other.run('infra', '-d');
    const file = new StateFile(other.directory);
    await until(() => file.readRunning() !== undefined);
    const supervisor = holdSupervisor(file);
    const waiting = other.start('infra', '-d');
    await until(() => waiting.stderr().includes('a start is under way'));
    const stopping = other.run('down');
    await until(supervisor.isAskedToStop);
    supervisor.letGoOn();
    expect(await stopping).toMatchObject({ code: 0 });
    expect(await starting).toMatchObject({ code: 1, stderr: expect.stringContaining('everything has stopped') });
    expect(await waiting.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has failed or was stopped'),
    });
    expect(markedProcesses(other.directory)).toEqual([]);
    await other.dispose();
  });

  it('starts beside each other -> one of them starts it, and each ends once it is ready; one during a stop starts it again', async () => {
    const other = await createStack();
    const file = new StateFile(other.directory);
    const start = async (underWay = other.start('infra', '-d')) => {
      const { code, stdout, stderr } = await underWay.ended;
      return { code, stdout, stderr, isReady: file.readRunning()?.ready };
    };
    const expected = { code: 0, stdout: expect.stringContaining('Adminer'), isReady: true };
    const atOnce = [start(), start()];
    await until(() => file.readRunning() !== undefined);
    const supervisor = holdSupervisor(file);
    const third = other.start('infra', '-d');
    await until(() => third.stderr().includes('a start is under way: waiting for its end'));
    supervisor.letGoOn();
    for (const result of await Promise.all([...atOnce, start(third)])) expect(result).toMatchObject(expected);

    const first = file.readRunning()!.supervisor.pid;
    const stopping = other.run('down');
    await until(() => file.readRunning()?.stopping === true);
    const again = await start();
    expect(again).toMatchObject({ ...expected, stderr: expect.stringContaining('a stop is under way') });
    expect(file.readRunning()!.supervisor.pid).not.toBe(first);
    expect(await stopping).toMatchObject({ code: 0 });
    await other.dispose();
  });
});
