import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { TIMEOUT } from '../testing/src/time-limits.ts';
import { request } from './control.ts';
import { isListening, portHolders } from './ports.ts';
import { isAlive, killMarked, markedProcesses } from './processes.ts';
import type { Part, Task } from './program.ts';
import { StateFile } from './state.ts';
import { AlreadyRunning, Supervisor } from './supervisor.ts';
import { createStandIns, until, type StandIns } from './test/stand-ins.ts';

describe('Supervisor', () => {
  let standIns: StandIns;
  let supervisors: Supervisor[];

  const supervise = (parts: Part[], messages: string[] = []) => {
    const events = { message: (line: string) => void messages.push(line) };
    const { directory } = standIns;
    const supervisor = new Supervisor({ directory, scope: 'test', parts, events, restartPauseMs: 20 });
    supervisors.push(supervisor);
    return supervisor;
  };

  beforeEach(async () => {
    standIns = await createStandIns();
    supervisors = [];
  });

  afterEach(async () => {
    for (const supervisor of supervisors) await supervisor.stop();
    expect(markedProcesses(standIns.directory)).toEqual([]);
    await standIns.dispose();
  });

  it('parts that need others -> start after them, in parallel where they may, and stop before them', async () => {
    const order: string[] = [];
    const migrations: Task = {
      kind: 'task',
      name: 'migrations',
      needs: ['database'],
      run: async () => void order.push(...standIns.journal()),
    };
    const supervisor = supervise([
      standIns.program('api', { needs: ['migrations'] }),
      migrations,
      standIns.program('database'),
    ]);
    await supervisor.start();
    expect(order).toEqual(['database starts']);
    expect(standIns.journal()).toEqual(['database starts', 'api starts']);
    await supervisor.stop();
    expect(standIns.journal()).toEqual(['database starts', 'api starts', 'api stops', 'database stops']);
    await expect(supervisor.finished).resolves.toBeUndefined();
  });

  it('a running stack -> its state file names every process; a stopped one leaves none', async () => {
    const supervisor = supervise([standIns.program('one'), standIns.program('two', { needs: ['one'] })]);
    await supervisor.start();
    const state = new StateFile(standIns.directory).readRunning();
    expect(state).toMatchObject({ ready: true, supervisor: { pid: process.pid }, scope: 'test' });
    expect(state?.programs.map(({ name, status, pid }) => [name, status, pid])).toEqual([
      ['one', 'ready', supervisor.process('one').identity?.pid],
      ['two', 'ready', supervisor.process('two').identity?.pid],
    ]);
    await supervisor.stop();
    expect(new StateFile(standIns.directory).read()).toBeUndefined();
  });

  it('a program that crashes -> is started again', async () => {
    const messages: string[] = [];
    const supervisor = supervise([standIns.program('api')], messages);
    await supervisor.start();
    const first = supervisor.process('api').identity;
    process.kill(first!.pid, 'SIGKILL');
    await until(() => supervisor.process('api').isReady && supervisor.process('api').identity?.pid !== first!.pid);
    await until(() => messages.includes('api is ready again'));
    expect(messages[0]).toMatch(/^api ended unexpectedly \(SIGKILL\); starting it again in [\d.]+ s$/);
  });

  it('a service that is stopped on request -> stays down, also when it was about to be started again', async () => {
    const messages: string[] = [];
    const supervisor = supervise([standIns.program('api'), standIns.program('edge', { onRequest: true })], messages);
    await supervisor.start();
    expect(supervisor.process('edge').identity).toBeUndefined();
    await request(standIns.directory, 'start', 'edge');
    expect(supervisor.process('edge').isReady).toBe(true);

    process.kill(supervisor.process('api').identity!.pid, 'SIGKILL');
    await until(() => messages.some((message) => message.startsWith('api ended')));
    await request(standIns.directory, 'stop', 'api');
    await request(standIns.directory, 'restart', 'edge'); // takes longer than the pause before a new start
    expect(supervisor.process('api').identity).toBeUndefined();

    await request(standIns.directory, 'start', 'api');
    expect(supervisor.process('api').isReady).toBe(true);
    await expect(request(standIns.directory, 'start', 'nothing')).rejects.toThrow('nothing is no part of what runs');
  });

  it('no supervisor -> a request says so', async () => {
    await expect(request(standIns.directory, 'start', 'api')).rejects.toThrow('try again');
  });

  it('a service that dies -> takes what it started along, so that its port is free for the next one', async () => {
    const supervisor = supervise([standIns.program('api', { behaviour: 'parent' })]);
    await supervisor.start();
    const { identity } = supervisor.process('api');
    process.kill(identity!.pid, 'SIGKILL');
    await until(() => supervisor.process('api').isReady && supervisor.process('api').identity?.pid !== identity!.pid);
    await until(() => standIns.journal().length === 2);
    expect(standIns.journal()).toEqual(['api starts', 'api starts']);
  });

  it('a program that crashes again and again -> is started again after longer and longer pauses; the others run on', async () => {
    const messages: string[] = [];
    const supervisor = supervise([standIns.program('api'), standIns.program('edge')], messages);
    await supervisor.start();
    const edge = supervisor.process('edge').identity;
    for (let crashes = 1; crashes <= 5; crashes += 1) {
      await until(() => supervisor.process('api').isReady);
      process.kill(supervisor.process('api').identity!.pid, 'SIGKILL');
      await until(() => messages.filter((line) => line.includes('starting it again')).length === crashes);
    }
    const pauses = messages.flatMap((line) => /starting it again in ([\d.]+) s/.exec(line)?.[1] ?? []).map(Number);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBeGreaterThan(4 * pauses[0]!);
    expect(supervisor.process('edge').identity).toEqual(edge);
  });

  it('a program that others need crashes -> is started again, and they keep running', async () => {
    const messages: string[] = [];
    const supervisor = supervise(
      [standIns.program('database'), standIns.program('api', { needs: ['database'] })],
      messages,
    );
    await supervisor.start();
    process.kill(supervisor.process('database').identity!.pid, 'SIGKILL');
    await until(() => messages.includes('database is ready again'));
    expect(standIns.journal()).toEqual(['database starts', 'api starts', 'database starts']);
  });

  it('a program that ends while it starts -> the start fails with the last lines of its log, and nothing stays', async () => {
    const supervisor = supervise([
      standIns.program('database'),
      standIns.program('api', { needs: ['database'], behaviour: 'fails' }),
    ]);
    await expect(supervisor.start()).rejects.toThrow(
      /^api ended while it started \(exit code 1\): settings: SOMETHING is missing; mend it in \.env\n.*api\.log ends with:\n {2}settings: SOMETHING is missing$/,
    );
    expect(standIns.journal()).toEqual(['database starts', 'database stops']);
  });

  it('a program that does not exist -> the start fails and says so', async () => {
    const supervisor = supervise([
      standIns.program('api', {
        command: () => ({ argv: ['/no/such/program'], environment: {}, directory: standIns.directory }),
      }),
    ]);
    await expect(supervisor.start()).rejects.toThrow(
      'api ended while it started (spawn /no/such/program ENOENT): there is no such program; run `make doctor`',
    );
  });

  it('a port that is taken -> the start fails, names its holder and the setting that moves it, and starts nothing', async () => {
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen(standIns.ports[1], '127.0.0.1', resolve));
    const supervisor = supervise([standIns.program('one'), standIns.program('two')]);
    await expect(supervisor.start()).rejects.toThrow(
      new RegExp(`^port ${standIns.ports[1]} is taken by node .*\\(pid ${process.pid}\\): stop it, or set TWO_PORT`),
    );
    expect(await isListening(standIns.ports[0]!)).toBe(false);
    await new Promise((resolve) => holder.close(resolve));
  });

  it('somebody else answers on the port of a starting program -> it is not taken for ready', async () => {
    const stranger = net.createServer();
    const port = standIns.ports[7]!;
    const listen = async () => {
      if (!stranger.listening) await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    };
    const api = standIns.program('api');
    const supervisor = supervise([{ ...api, ports: [{ port, variable: 'API_PORT' }], prepare: listen }]);
    await expect(supervisor.start()).rejects.toThrow(`port ${port} is answered by node`);
    await new Promise((resolve) => stranger.close(resolve));
  });

  it('a second supervisor in the same directory -> is refused, and the first one keeps running', async () => {
    const first = supervise([standIns.program('api')]);
    await first.start();
    const second = new Supervisor({ directory: standIns.directory, scope: 'test', parts: [] });
    await expect(second.start()).rejects.toBeInstanceOf(AlreadyRunning);
    expect(first.process('api').isReady).toBe(true);
    expect(new StateFile(standIns.directory).readRunning()?.ready).toBe(true);
  });

  it('a supervisor that was killed -> the next one ends what it left behind', async () => {
    const [port = 0] = standIns.ports;
    const script = path.join(import.meta.dirname, 'test/supervise.ts');
    const killed = spawn(process.execPath, [script, standIns.directory, String(port)], { stdio: 'ignore' });
    const file = new StateFile(standIns.directory);
    await until(() => file.read()?.ready === true);
    killed.kill('SIGKILL');
    const orphan = file.read()!.programs[0]!;
    await until(() => file.readRunning() === undefined);
    expect(isAlive(orphan)).toBe(true);

    const messages: string[] = [];
    const supervisor = supervise([standIns.program('api', { port })], messages);
    await supervisor.start();
    expect(isAlive(orphan)).toBe(false);
    expect(messages).toEqual([`stopping orphan (pid ${orphan.pid}), left over from an earlier run`]);
    expect(portHolders(port).map(({ pid }) => pid)).toEqual([supervisor.process('api').identity?.pid]);
  });

  it.each(['', '{"supervisor":', '\0\0\0\0'])(
    'a state file of %j, as after a power cut -> nothing runs, and a start goes well',
    async (text) => {
      const file = new StateFile(standIns.directory);
      writeFileSync(path.join(standIns.directory, 'state.json'), text);
      expect(file.readRunning()).toBeUndefined();
      const supervisor = supervise([standIns.program('api')]);
      await supervisor.start();
      expect(file.readRunning()?.ready).toBe(true);
    },
  );

  it.each([
    [['throw'], ['nobody catches this']],
    [['reject'], ['nobody handles this']],
    [
      ['reject', 'throw', 'reject'],
      ['nobody handles this', 'nobody catches this'],
    ],
  ])(
    'faults of the supervisor itself (%j) -> it says why, stops what it started, and fails',
    async (faults, reasons) => {
      const [port = 0] = standIns.ports;
      const script = path.join(import.meta.dirname, 'test/supervise.ts');
      const faulty = spawn(process.execPath, [script, standIns.directory, String(port)], {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      });
      let said = '';
      faulty.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const file = new StateFile(standIns.directory);
      await until(() => file.readRunning()?.ready === true);
      const ended = once(faulty, 'exit');
      for (const fault of faults) faulty.send(fault);
      expect(await ended).toEqual([1, null]);
      expect(said).toMatch(/^stopping everything, because of an unexpected error of the supervisor:$/m);
      for (const reason of reasons) expect(said).toContain(`Error: ${reason}\n    at `);
      expect(markedProcesses(standIns.directory)).toEqual([]);
      expect(file.read()).toBeUndefined();
    },
  );

  it('a program that can not be stopped -> the others are stopped all the same', async () => {
    const messages: string[] = [];
    const supervisor = supervise(
      [standIns.program('database'), standIns.program('api', { needs: ['database'] })],
      messages,
    );
    await supervisor.start();
    supervisor.process('api').stop = () => Promise.reject(new Error('api does not end on SIGKILL'));
    await supervisor.stop();
    expect(messages).toContain('api does not end on SIGKILL');
    expect(standIns.journal()).toContain('database stops');
    await expect(supervisor.finished).resolves.toBeUndefined();
  });

  it('too many files are open -> what crashes comes back once there are fewer, and the supervisor lives', async () => {
    const [port = 0] = standIns.ports;
    const script = path.join(import.meta.dirname, 'test/supervise.ts');
    const argv = ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, script, standIns.directory, String(port)];
    const limited = spawn('sh', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    limited.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    try {
      const running = () => new StateFile(standIns.directory).readRunning();
      await until(() => running()?.ready === true);
      const first = running()!.programs[0]!;
      limited.kill('SIGUSR2');
      await until(() => said.includes('opened all files'));
      process.kill(first.pid, 'SIGKILL');
      await until(() => said.split('could not be started').length > 3);

      limited.kill('SIGUSR2');
      await until(() => said.includes('orphan is ready again'));
      await until(() => running()?.programs[0]?.pid !== first.pid);
      expect(limited.exitCode).toBeNull();
      expect(said).toContain('EMFILE');
    } finally {
      limited.kill('SIGKILL');
      await killMarked(standIns.directory);
    }
  });

  it('a stop while it starts -> what was started stops, and start() tells that it was asked to', async () => {
    const supervisor = supervise([
      standIns.program('database'),
      standIns.program('api', { needs: ['database'], isReady: async () => false }),
    ]);
    const starting = supervisor.start();
    await until(() => supervisor.process('api').identity !== undefined);
    await Promise.all([supervisor.stop(), expect(starting).rejects.toBe(supervisor.stopRequest)]);
    await expect(supervisor.finished).resolves.toBeUndefined();
  });

  it('a program that is deaf to its stop signal -> is killed when its time is over', async () => {
    const supervisor = supervise([standIns.program('deaf', { behaviour: 'deaf', stopTimeoutMs: 200 })]);
    await supervisor.start();
    await supervisor.stop();
    expect(supervisor.process('deaf').identity).toBeUndefined();
  });

  it('a test kills a program -> it stays down until it is started again', async () => {
    const supervisor = supervise([standIns.program('api')]);
    await supervisor.start();
    const api = supervisor.process('api');
    await api.kill('SIGKILL');
    expect(api.identity).toBeUndefined();
    await api.start();
    expect(api.isReady).toBe(true);
  });

  it('a paused program -> holds its port and answers nothing, resumes, and can be stopped while it is paused', async () => {
    const supervisor = supervise([standIns.program('api')]);
    await supervisor.start();
    const api = supervisor.process('api');
    const url = `http://127.0.0.1:${standIns.ports[0]}`;
    const answer = (timeout = TIMEOUT) =>
      fetch(url, { signal: AbortSignal.timeout(timeout) }).then((response) => response.text());
    api.pause();
    await expect(answer(300)).rejects.toThrow('timeout');
    api.resume();
    expect(await answer()).toBe(String(api.identity?.pid));
    api.pause();
    await supervisor.stop();
    expect(standIns.journal()).toEqual(['api starts', 'api stops']);
  });
});
