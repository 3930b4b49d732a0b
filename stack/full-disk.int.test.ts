import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { logFile, openLog, rotateLog } from './log-files.ts';
import { StateFile } from './state.ts';
import { Supervisor } from './supervisor.ts';
import { createSmallDisk, type SmallDisk } from './test/small-disk.ts';
import { createStandIns, until, type StandIns } from './test/stand-ins.ts';
import { writeWholeFile } from './whole-file.ts';

const trial = createSmallDisk(1);
trial?.dispose();
const where = trial ? describe : describe.skip;

where('a full disk (needs root that may mount one)', () => {
  let disk: SmallDisk;
  let standIns: StandIns;
  let supervisor: Supervisor | undefined;
  const messages: string[] = [];

  beforeEach(async () => {
    const created = createSmallDisk(64);
    if (!created) throw new Error('a disk could be mounted a moment ago');
    disk = created;
    standIns = await createStandIns();
    messages.length = 0;
  });

  afterEach(async () => {
    await supervisor?.stop();
    supervisor = undefined;
    await standIns.dispose();
    disk.dispose();
  });

  const start = async () => {
    const received: boolean[] = [];
    supervisor = new Supervisor({
      directory: path.join(disk.directory, 'stack'),
      scope: 'test',
      parts: [
        standIns.program('database'),
        standIns.program('edge', { onDisk: (isFull) => void received.push(isFull) }),
      ],
      events: { message: (line) => void messages.push(line) },
      restartPauseMs: 20,
    });
    await supervisor.start();
    return { supervisor, received };
  };

  it('programs run -> they keep running, what crashes comes back, and the state is written once there is room', async () => {
    const { supervisor: running, received } = await start();
    const edge = running.process('edge').identity;
    const first = running.process('database').identity!;
    disk.fill();
    await until(() => received.at(-1) === true);

    process.kill(first.pid, 'SIGKILL');
    await until(() => messages.includes('database is ready again'));
    const second = running.process('database').identity!;
    const file = new StateFile(running.directory);
    expect(file.readRunning()?.programs.map(({ pid }) => pid)).toContain(first.pid); // as it was last written
    expect(running.process('edge').identity).toEqual(edge);

    disk.empty();
    await until(() => file.readRunning()?.programs.some(({ pid }) => pid === second.pid) === true);
    await until(() => received.at(-1) === false);
    expect(received).toEqual([false, true, false]);
    const said = messages.filter((line) => /disk|state/.test(line));
    expect(said.toSorted()).toEqual([
      'the disk has room again',
      `the disk of ${running.directory} is full: free some space, and everything goes on by itself`,
      expect.stringMatching(/^the state of the stack can't be written for now: ENOSPC/),
      'the state of the stack is written again',
    ]);
  });

  it('a program can not start -> it is tried again, and at once when there is room', async () => {
    const { supervisor: running } = await start();
    disk.fill();
    const { program } = running.process('database');
    const needed = path.join(disk.directory, 'needed');
    program.prepare = async () => writeFileSync(needed, Buffer.alloc(1024 * 1024));
    process.kill(running.process('database').identity!.pid, 'SIGKILL');
    await until(() => messages.filter((line) => line.includes('could not be started')).length > 5);
    rmSync(needed, { force: true });
    disk.empty();
    await until(() => messages.includes('database is ready again'));
    expect(messages.find((line) => line.includes('could not be started'))).toMatch(
      /^database could not be started: ENOSPC: no space left on device, write; starting it again in [\d.]+ s$/,
    );
  });

  it('nothing runs yet -> the start fails and says what helps', async () => {
    disk.fill();
    await expect(start()).rejects.toThrow(/can't be written \(ENOSPC.*free some space/);
  });

  it('a log that is too large -> makes room for itself', () => {
    openLog(disk.directory, 'api').close();
    const file = logFile(disk.directory, 'api');
    writeFileSync(`${file}.1`, 'older\n');
    writeFileSync(file, Buffer.alloc(11 * 1024 * 1024));
    disk.fill();
    rotateLog(file);
    expect(statSync(file).size).toBe(0);
    appendFileSync(file, 'there is room\n');
    truncateSync(file);
  });

  it('a file that a program needs -> stays whole', () => {
    const file = path.join(disk.directory, 'nginx.conf');
    writeWholeFile(file, 'as it was');
    disk.fill();
    writeWholeFile(file, 'as it was');
    expect(() => writeWholeFile(file, 'x'.repeat(100_000))).toThrow('ENOSPC');
    expect(readFileSync(file, 'utf8')).toBe('as it was');
  });
});
