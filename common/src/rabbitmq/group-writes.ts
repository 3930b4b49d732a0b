import { Duplex } from 'node:stream';
import type { ChannelModel } from 'amqplib';

/**
 * amqplib writes each frame by itself, and each write is a call to the kernel, and to the broker's, which cost more than the
 * frame: those that are written in one go leave together.
 */
export function groupWrites({ connection }: ChannelModel): void {
  const stream: unknown = 'stream' in connection ? connection.stream : undefined;
  if (!(stream instanceof Duplex)) throw new Error('amqplib keeps its socket elsewhere');
  let isOpen = false;
  const write = stream.write.bind(stream);
  const groupedWrite = (frame: unknown): boolean => {
    if (!isOpen) {
      isOpen = true;
      stream.cork();
      process.nextTick(() => {
        isOpen = false;
        stream.uncork();
      });
    }
    return write(frame);
  };
  stream.write = groupedWrite;
}
