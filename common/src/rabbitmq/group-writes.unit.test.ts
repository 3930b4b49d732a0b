import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import type { ChannelModel } from 'amqplib';
import { groupWrites } from './group-writes.js';

it('frames written in one go, and later others -> leave in one write each, in their order', async () => {
  const written: string[] = [];
  const stream = new Duplex({
    read: () => undefined,
    writev: (chunks, done) => {
      written.push(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)).toString());
      done();
    },
  });
  groupWrites({ connection: { stream } } as unknown as ChannelModel);
  for (const frame of ['a', 'b', 'c']) stream.write(Buffer.from(frame));
  await turn();
  for (const frame of ['d', 'e']) stream.write(Buffer.from(frame));
  await turn();
  expect(written).toEqual(['abc', 'de']);
});
