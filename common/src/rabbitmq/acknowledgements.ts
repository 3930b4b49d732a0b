import type { Channel, ConsumeMessage } from 'amqplib';

interface InHand {
  readonly message: ConsumeMessage;
  isDone: boolean;
}

/**
 * Acknowledges the messages of a channel in groups, since the broker pays for each frame: those that are dealt with within one
 * turn of the event loop, up to the first that isn't, by one. One that takes long holds up none that came after it.
 */
export class Acknowledgements {
  readonly #channel: Channel;
  readonly #lost: AbortSignal;
  /** In the order in which they came. */
  #inHand: InHand[] = [];
  #isPlanned = false;

  /** `lost` aborts when the channel is: what is in hand then comes again. */
  constructor(channel: Channel, lost: AbortSignal) {
    this.#channel = channel;
    this.#lost = lost;
  }

  /** Every message of the channel, as it comes. Returns what acknowledges it. */
  expect(message: ConsumeMessage): () => void {
    const inHand: InHand = { message, isDone: false };
    this.#inHand.push(inHand);
    return () => this.#add(inHand);
  }

  #add(inHand: InHand): void {
    if (inHand.isDone) {
      if (!this.#lost.aborted) this.#channel.ack(inHand.message); // twice: the broker closes the channel for it
      return;
    }
    inHand.isDone = true;
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#isPlanned = false;
    if (this.#lost.aborted) return;
    const done = this.#inHand.filter(({ isDone }) => isDone);
    const firstOpen = this.#inHand.findIndex(({ isDone }) => !isDone);
    const inRow = firstOpen < 0 ? done.length : firstOpen;
    this.#inHand = this.#inHand.filter(({ isDone }) => !isDone);
    const last = done[inRow - 1];
    if (last !== undefined) this.#channel.ack(last.message, true);
    for (const { message } of done.slice(inRow)) this.#channel.ack(message);
  }
}
