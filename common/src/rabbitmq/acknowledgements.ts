import type { Channel, ConsumeMessage } from 'amqplib';

/**
 * Acknowledges the messages of a channel in groups, since the broker pays for each frame: those that are dealt with within one
 * turn of the event loop, up to the first that isn't, by one. One that takes long holds up none that came after it.
 */
export class Acknowledgements {
  readonly #channel: Channel;
  readonly #lost: AbortSignal;
  /** Those in hand, in the order in which they came; true: dealt with. */
  readonly #inHand = new Map<ConsumeMessage, boolean>();
  #isPlanned = false;

  /** `lost` aborts when the channel is: what is in hand then comes again. */
  constructor(channel: Channel, lost: AbortSignal) {
    this.#channel = channel;
    this.#lost = lost;
  }

  /** Every message of the channel, as it comes. */
  expect(message: ConsumeMessage): void {
    this.#inHand.set(message, false);
  }

  add(message: ConsumeMessage): void {
    if (this.#inHand.get(message) !== false) {
      if (!this.#lost.aborted) this.#channel.ack(message); // twice: the broker closes the channel for it
      return;
    }
    this.#inHand.set(message, true);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#isPlanned = false;
    if (this.#lost.aborted) return;
    let isFirst = true;
    let last: ConsumeMessage | undefined;
    const later: ConsumeMessage[] = [];
    for (const [message, isDone] of this.#inHand) {
      isFirst &&= isDone;
      if (isFirst) last = message;
      else if (isDone) later.push(message);
      if (isDone) this.#inHand.delete(message);
    }
    if (last !== undefined) this.#channel.ack(last, true);
    for (const message of later) this.#channel.ack(message);
  }
}
