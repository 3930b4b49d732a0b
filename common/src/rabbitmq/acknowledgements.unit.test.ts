import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Channel, ConsumeMessage } from 'amqplib';
import { Acknowledgements } from './acknowledgements.js';

let sent: [tag: number, allUpTo: boolean | undefined][];
let lost: AbortController;
let acknowledgements: Acknowledgements;

beforeEach(() => {
  sent = [];
  lost = new AbortController();
  const channel = { ack: ({ fields }: ConsumeMessage, allUpTo?: boolean) => sent.push([fields.deliveryTag, allUpTo]) };
  acknowledgements = new Acknowledgements(channel as unknown as Channel, lost.signal);
});

/** Returns what acknowledges each. */
const receive = (count: number): (() => void)[] =>
  Array.from({ length: count }, (_, i) =>
    acknowledgements.expect({ fields: { deliveryTag: i + 1 } } as ConsumeMessage),
  );

describe('acknowledgements', () => {
  it('ten dealt with in one turn, in any order -> one frame', async () => {
    for (const acknowledge of receive(10).toReversed()) acknowledge();
    await turn();
    expect(sent).toEqual([[10, true]]);
  });

  it('one takes long -> those after it are acknowledged by themselves, it with what follows later', async () => {
    const acknowledge = receive(4);
    for (const i of [0, 2, 3]) acknowledge[i]!();
    await turn();
    expect(sent).toEqual([
      [1, true],
      [3, undefined],
      [4, undefined],
    ]);
    acknowledge[1]!();
    await turn();
    expect(sent.at(-1)).toEqual([2, true]);
  });

  it('the channel is lost -> nothing is sent', async () => {
    const [acknowledge] = receive(1);
    acknowledge!();
    lost.abort();
    await turn();
    expect(sent).toEqual([]);
  });

  it('the subscription stops -> what is dealt with is sent at once', () => {
    const [acknowledge] = receive(1);
    acknowledge!();
    acknowledgements.flush();
    expect(sent).toEqual([[1, true]]);
  });
});
