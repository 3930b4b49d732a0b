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

function receive(count: number): ConsumeMessage[] {
  const messages = Array.from({ length: count }, (_, i) => ({ fields: { deliveryTag: i + 1 } }) as ConsumeMessage);
  for (const message of messages) acknowledgements.expect(message);
  return messages;
}

describe('acknowledgements', () => {
  it('ten dealt with in one turn, in any order -> one frame', async () => {
    for (const message of receive(10).toReversed()) acknowledgements.add(message);
    await turn();
    expect(sent).toEqual([[10, true]]);
  });

  it('one takes long -> those after it are acknowledged by themselves, it with what follows later', async () => {
    const messages = receive(4);
    for (const i of [0, 2, 3]) acknowledgements.add(messages[i]!);
    await turn();
    expect(sent).toEqual([
      [1, true],
      [3, undefined],
      [4, undefined],
    ]);
    acknowledgements.add(messages[1]!);
    await turn();
    expect(sent.at(-1)).toEqual([2, true]);
  });

  it('the channel is lost -> nothing is sent', async () => {
    const [message] = receive(1);
    acknowledgements.add(message!);
    lost.abort();
    await turn();
    expect(sent).toEqual([]);
  });

  it('the subscription stops -> what is dealt with is sent at once', () => {
    const [message] = receive(1);
    acknowledgements.add(message!);
    acknowledgements.flush();
    expect(sent).toEqual([[1, true]]);
  });
});
