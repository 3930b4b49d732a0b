import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { claim, withClaim } from './claim.ts';
import { checkPorts, listeningSockets, portHolders, reservePorts } from './ports.ts';
import { identify, isAlive, killMarked, markVariable, processName, sessionOf, signalProcess } from './processes.ts';
import { reapLeftOvers } from './state.ts';

const children: ChildProcess[] = [];

/** A process that does nothing, with an identity. */
function sleeper(mark = '') {
  const child = spawn('sleep', ['60'], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, [markVariable]: mark },
  });
  children.push(child);
  const identity = identify(child.pid!);
  return identity!;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('processes', () => {
  it('a running process -> alive, leads its own session, known by its name', () => {
    const identity = sleeper();
    expect(isAlive(identity)).toBe(true);
    expect(sessionOf(identity.pid)).toBe(identity.pid);
    expect(processName(identity.pid)).toBe('sleep');
  });

  it('another process with the same id -> is not the one that was meant', () => {
    const { pid, startTime } = sleeper();
    expect(isAlive({ pid, startTime: String(Number(startTime) - 1) })).toBe(false);
  });

  it('a process that ended -> dead, even while nobody has collected it', async () => {
    // The shell has become a program that waits for nobody before its child ends, which so stays a zombie.
    const child = `sh -c 'until grep -q sleep /proc/$PPID/comm; do :; done; exec sleep 0'`;
    const script = `${child} & echo $!; exec sleep 60`;
    const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(shell);
    const pid = Number(await new Promise<Buffer>((resolve) => shell.stdout.once('data', resolve)));
    while (identify(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(processName(pid)).toBe('sleep');
    expect(identify(pid)).toBeUndefined();
  });

  it('marked processes -> are killed, others are not', async () => {
    const mark = randomUUID();
    const marked = [sleeper(mark), sleeper(mark)];
    const other = sleeper(`${mark}-other`);
    expect(await killMarked(mark)).toEqual(expect.arrayContaining(marked));
    expect(marked.map(isAlive)).toEqual([false, false]);
    expect(isAlive(other)).toBe(true);
  });

  it('ids that stand for many processes -> are never signalled', () => {
    expect(() => signalProcess(0, 'SIGTERM')).toThrow('more than one process');
    expect(() => signalProcess(-1, 'SIGTERM')).toThrow('more than one process');
  });
});

describe('reapLeftOvers', () => {
  const supervisor = { pid: 1, startTime: '0' };
  const left = (name: string, identity: { pid: number; startTime: string }) =>
    ({ name, ...identity, status: 'ready', stopSignal: 'SIGTERM', stopTimeoutMs: 1_000 }) as const;

  it('programs of a killed supervisor -> stopped, the last one started first', async () => {
    const [first, second] = [sleeper(), sleeper()];
    const lines: string[] = [];
    const state = {
      supervisor,
      scope: 'up',
      ready: true,
      stopping: false,
      programs: [left('one', first), left('two', second)],
    };
    expect(await reapLeftOvers(state, randomUUID(), (line) => lines.push(line))).toBe(2);
    expect([first, second].map(isAlive)).toEqual([false, false]);
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['two', 'one']);
  });

  it("an id that is somebody else's by now -> that process is left alone", async () => {
    const stranger = sleeper();
    const programs = [left('one', { pid: stranger.pid, startTime: '1' })];
    const state = { supervisor, scope: 'up', ready: true, stopping: false, programs };
    expect(await reapLeftOvers(state, randomUUID(), () => undefined)).toBe(0);
    expect(isAlive(stranger)).toBe(true);
  });

  it('no state -> what carries the mark is ended all the same', async () => {
    const mark = randomUUID();
    const orphan = sleeper(mark);
    expect(await reapLeftOvers(undefined, mark, () => undefined)).toBe(1);
    expect(isAlive(orphan)).toBe(false);
  });
});

describe('claim', () => {
  it('a name that is held -> is not given twice; released -> it is given again', async () => {
    const name = randomUUID();
    const first = await claim(name);
    expect(await claim(name)).toBeUndefined();
    await first?.release();
    const second = await claim(name);
    expect(second).toBeDefined();
    await second?.release();
  });

  it('work under the same name -> one after the other', async () => {
    const name = randomUUID();
    const events: string[] = [];
    const work = (id: string) =>
      withClaim(name, async () => {
        events.push(`${id} starts`);
        await new Promise((resolve) => setImmediate(resolve));
        events.push(`${id} ends`);
      });
    await Promise.all([work('a'), work('b')]);
    expect(events.map((event) => event.split(' ')[1])).toEqual(['starts', 'ends', 'starts', 'ends']);
  });
});

describe('ports', () => {
  const servers: net.Server[] = [];
  const listen = (port: number, host = '127.0.0.1') =>
    new Promise<number>((resolve) => {
      const server = net.createServer().listen(port, host, () => resolve((server.address() as net.AddressInfo).port));
      servers.push(server);
    });
  afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed)))));

  it('a port that somebody listens on -> its holder is found, with name and pid', async () => {
    const port = await listen(0);
    expect(portHolders(port)).toEqual([{ pid: process.pid, name: expect.stringMatching(/^node /) }]);
  });

  it("the kernel's table -> only sockets that listen on the port count", () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'shop-ports-'));
    const table = path.join(directory, 'tcp');
    const row = (local: string, state: string, inode: number) =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 x\n`;
    writeFileSync(
      table,
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
        row('0100007F:1538', '0A', 111) + // listens on 5432
        row('0100007F:1538', '01', 222) + // a connection to it
        row('00000000:1539', '0A', 333),
    );
    expect(listeningSockets(5432, [table])).toEqual(new Set(['111']));
    expect(listeningSockets(5432, [path.join(directory, 'none')])).toEqual(new Set());
    rmSync(directory, { recursive: true });
  });

  it('free ports -> pass; all taken ones are reported at once', async () => {
    const free = await reservePorts(1);
    const taken = [await listen(0), await listen(0)];
    await checkPorts([{ port: free.ports[0]!, variable: 'A_PORT' }]);
    const check = checkPorts(taken.map((port, i) => ({ port, variable: `TAKEN_${i}_PORT` })));
    await expect(check).rejects.toThrow(/TAKEN_0_PORT[^\n]*\n[^\n]*TAKEN_1_PORT/);
    await free.release();
  });

  it('a port from which somebody has connected to another one -> said, since nobody listens there', async () => {
    const client = net.connect({ port: await listen(0), host: '127.0.0.1' });
    await once(client, 'connect');
    const port = client.localPort!;
    try {
      const words = `^port ${port} is one end of a connection of node .*: try again .* A_PORT .* below \\d+$`;
      await expect(checkPorts([{ port, variable: 'A_PORT' }])).rejects.toThrow(new RegExp(words));
    } finally {
      client.destroy();
    }
  });

  it('one port for two programs -> refused, naming both settings', async () => {
    const free = await reservePorts(1);
    const claims = ['A_PORT', 'B_PORT'].map((variable) => ({ port: free.ports[0]!, variable }));
    await expect(checkPorts(claims)).rejects.toThrow('A_PORT and B_PORT are both');
    await free.release();
  });

  it('reserved ports -> never given twice at the same time', async () => {
    const reservations = await Promise.all(Array.from({ length: 20 }, () => reservePorts(10)));
    const ports = reservations.flatMap((reservation) => reservation.ports);
    expect(new Set(ports).size).toBe(200);
    await Promise.all(reservations.map((reservation) => reservation.release()));
  });
});
