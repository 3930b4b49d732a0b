import { describe, expect, it } from '@jest/globals';
import { LineOutput, type LineSink } from './line-output.js';

/** A disk that can be full; writes are answered a little later, as Node's are. */
const aDisk = () => {
  const disk = { isFull: false, text: '', writes: 0 };
  const sink: LineSink = {
    on: () => undefined,
    write: (text, callback) => {
      const { isFull } = disk;
      disk.writes++;
      if (!isFull) disk.text += text;
      process.nextTick(() => callback(isFull ? new Error('ENOSPC') : null));
    },
  };
  const output = new LineOutput(sink, (lost) => `${lost} lost`);
  const write = async (...lines: string[]) => {
    const { writes } = disk;
    for (const line of lines) output.write(line);
    while (disk.writes === writes) await new Promise(setImmediate);
    await new Promise(setImmediate); // the answer to it
  };
  return { disk, output, write };
};

describe('the output of lines', () => {
  it('many lines in one moment -> written together; what waits when the process ends, too', async () => {
    const { disk, output, write } = aDisk();
    await write('first', 'second', 'third');
    expect([disk.text, disk.writes]).toEqual(['first\nsecond\nthird\n', 1]);
    output.write('last');
    output.flush();
    expect(disk.text).toMatch(/\nlast\n$/);
  });

  it('the disk is full -> lines are lost and counted; when there is room again one line says how many, once', async () => {
    const { disk, output, write } = aDisk();
    await write('first');
    disk.isFull = true;
    await write('second', 'third');
    await write('fourth');
    expect(output.lost).toBe(3);
    disk.isFull = false;
    await write('fifth', 'sixth');
    await write('seventh');
    expect(disk.text.split('\n')).toEqual(['first', '', '3 lost', 'fifth', 'sixth', 'seventh', '']);
    expect(output.lost).toBe(3);
  });

  it('the disk is full again while that is said -> it is said later, with all that was lost', async () => {
    const { disk, output, write } = aDisk();
    disk.isFull = true;
    await write('first');
    await write('second', 'third');
    disk.isFull = false;
    await write('fourth');
    expect(disk.text.split('\n')).toEqual(['', '3 lost', 'fourth', '']);
    disk.isFull = true;
    await write('fifth');
    disk.isFull = false;
    await write('sixth');
    expect(disk.text).toContain('\n1 lost\nsixth\n');
    expect(output.lost).toBe(4);
  });
});
