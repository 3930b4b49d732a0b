import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Turns } from './turns.js';

function exchange(begin: () => void) {
  const request = new IncomingMessage(new Socket());
  return { request, response: new ServerResponse(request), begin };
}
const turn = () => new Promise(setImmediate);
const spend = (milliseconds: number) => {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
};

describe('requests in line', () => {
  it('-> begun in their order, some in each turn of the event loop', async () => {
    const turns = new Turns({ share: 1 });
    const begun: number[] = [];
    for (const number of [1, 2, 3]) {
      turns.take(
        exchange(() => {
          begun.push(number);
          spend(2);
        }),
      );
    }
    expect([turns.waiting, begun]).toEqual([3, []]);

    const seen: number[] = [];
    while (turns.waiting > 0) {
      await turn();
      seen.push(begun.length);
    }

    expect(begun).toEqual([1, 2, 3]);
    expect(seen).toEqual(expect.arrayContaining([1, 2, 3]));
    expect([turns.waiting, turns.served]).toEqual([0, 3]);
  });

  it('one whose client has gone meanwhile -> not begun', async () => {
    const turns = new Turns({ share: 1 });
    let begun = 0;
    const gone = exchange(() => begun++);
    turns.take(gone);
    turns.take(exchange(() => begun++));
    gone.response.destroy();

    while (turns.waiting > 0) await turn();

    expect(begun).toBe(1);
  });

  it('the line was empty for a while -> the next one is begun, too', async () => {
    const turns = new Turns({ share: 1 });
    let begun = 0;
    for (const expected of [1, 2]) {
      turns.take(exchange(() => begun++));
      while (turns.waiting > 0) await turn();
      expect([begun, turns.served]).toEqual([expected, expected]);
    }
  });
});
