import { randomUUID } from 'node:crypto';
import type { Channel, ChannelModel } from 'amqplib';
import type { Logger } from '../logger/index.js';

/**
 * A queue of work for one consuming service. A message that fails waits in one of the delay queues
 * (`<name>.retry-<pause>`) and comes back; one that can't be handled ends in `<name>.dead-letter`.
 */
export interface WorkQueue {
  /** Carries a version (`payment-service.v1`), since the arguments of a queue can't change. */
  readonly name: string;
  readonly routingKeys: readonly string[];
  /** Milliseconds before the second, third ... try; there is one try more than there are pauses. */
  readonly retryPauses: readonly number[];
  /** Under which it was declared with other arguments; what is left there is moved here. */
  readonly formerNames: readonly string[];
}

/** A log that every reader reads for itself, from its start: https://www.rabbitmq.com/docs/streams */
export interface StreamQueue {
  readonly name: string;
  readonly routingKeys: readonly string[];
  readonly maxAgeSeconds: number;
  /** Past it the oldest segments go, whatever their age. */
  readonly maxBytes: number;
}

/**
 * A queue for what one process consumes while it is connected, and which nobody misses later. Whoever subscribes to it gets
 * one of its own, which vanishes with its consumer; after a fault that is another, empty one.
 */
export interface TransientQueue {
  /** What the names of all these queues begin with. */
  readonly name: string;
  readonly routingKeys: readonly string[];
  /** Past either the oldest messages are dropped. */
  readonly maxLength: number;
  readonly maxBytes: number;
  /** Milliseconds that a message waits at most. */
  readonly timeToLive: number;
}

/** Everything that has to exist before a message is published, whoever starts first. */
export interface Topology {
  /** A durable topic exchange. */
  readonly exchange: string;
  readonly workQueues: readonly WorkQueue[];
  readonly streams: readonly StreamQueue[];
  /**
   * Another durable topic exchange, for transient queues alone: on the first one they would pass for a service's queue, and
   * a message would count as taken while the queue that must have it is missing. What no service has a queue for, the first
   * one passes on.
   */
  readonly broadcastExchange: string;
  readonly broadcasts: readonly TransientQueue[];
}

/** Every queue that belongs to a work queue, where messages are on their way to it first. */
export const queuesOf = (queue: WorkQueue): readonly string[] => [
  ...queue.retryPauses.map((pause) => retryQueueOf(queue, pause)),
  queue.name,
  deadLetterQueueOf(queue),
];
export const deadLetterQueueOf = (queue: WorkQueue): string => `${queue.name}.dead-letter`;
export const retryQueueOf = (queue: WorkQueue, pause: number): string => `${queue.name}.retry-${pause}`;

/** Whether a queue of the topology waits for messages with this routing key: if it is not there, that is a fault. */
const hasQueueFor = ({ workQueues, streams }: Topology, routingKey: string): boolean =>
  [...workQueues, ...streams].some((queue) => queue.routingKeys.includes(routingKey));

/**
 * Where messages with this routing key are to be published. What no service has a queue for may go unreceived; anything else
 * without a queue is a fault.
 */
export function destinationsOf(
  topology: Topology,
  routingKey: string,
): readonly { readonly exchange: string; readonly mandatory: boolean }[] {
  const { exchange, broadcastExchange } = topology;
  if (!hasQueueFor(topology, routingKey)) return [{ exchange, mandatory: false }];
  const isBroadcast = broadcastKeysOf(topology).includes(routingKey);
  return [{ exchange, mandatory: true }, ...(isBroadcast ? [{ exchange: broadcastExchange, mandatory: false }] : [])];
}

/** Of messages that processes receive while they run. */
const broadcastKeysOf = ({ broadcasts }: Topology): string[] => broadcasts.flatMap(({ routingKeys }) => routingKeys);

/** Deliveries of a message that nobody acknowledges, such as one that crashes its consumer. The default of RabbitMQ 4. */
const DELIVERY_LIMIT = 20;
/** A dead letter has nowhere left to go: looking at it over and over must not use it up. Before 4.0 there is no 'unlimited'. */
const REPLAY_LIMIT = 1_000_000;
/** Past either the broker refuses further messages: they wait in the outboxes, and none is dropped. */
const MAX_MESSAGES = 1_000_000;
const MIB = 1024 * 1024;
/**
 * All queues together must stay well below the broker's disk: what fills it stops every publisher. docs/events.md adds
 * them up.
 */
const MAX_BYTES = { work: 512 * MIB, deadLetter: 256 * MIB, retry: 64 * MIB };
const PRECONDITION_FAILED = 406;

const quorumQueue = (maxBytes: number) => ({
  'x-queue-type': 'quorum',
  'x-max-length': MAX_MESSAGES,
  'x-max-length-bytes': maxBytes,
  'x-overflow': 'reject-publish',
});
/** At least once: a message leaves its queue only when the next one has confirmed it. */
const deadLetterTo = (queue: string) => ({
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': queue,
  'x-dead-letter-strategy': 'at-least-once',
});

/** Creates what is missing; what exists alike stays as it is. Throws when a work queue exists with other arguments. */
export async function declareTopology(model: ChannelModel, topology: Topology, logger: Logger): Promise<void> {
  const { exchange, broadcastExchange, workQueues, streams } = topology;
  await withChannel(model, async (channel) => {
    for (const name of [exchange, broadcastExchange]) await channel.assertExchange(name, 'topic', { durable: true });
    for (const queue of workQueues) await declareWorkQueue(channel, exchange, queue);
    for (const routingKey of broadcastKeysOf(topology)) {
      if (hasQueueFor(topology, routingKey)) await channel.unbindExchange(broadcastExchange, exchange, routingKey);
      else await channel.bindExchange(broadcastExchange, exchange, routingKey);
    }
  });
  for (const stream of streams) await declareStream(model, exchange, stream, logger);
}

async function declareWorkQueue(channel: Channel, exchange: string, queue: WorkQueue): Promise<void> {
  const deadLetterQueue = deadLetterQueueOf(queue);
  await channel.assertQueue(deadLetterQueue, {
    arguments: { ...quorumQueue(MAX_BYTES.deadLetter), 'x-delivery-limit': REPLAY_LIMIT },
  });
  await channel.assertQueue(queue.name, {
    arguments: { ...quorumQueue(MAX_BYTES.work), 'x-delivery-limit': DELIVERY_LIMIT, ...deadLetterTo(deadLetterQueue) },
  });
  for (const pause of queue.retryPauses) {
    await channel.assertQueue(retryQueueOf(queue, pause), {
      arguments: { ...quorumQueue(MAX_BYTES.retry), 'x-message-ttl': pause, ...deadLetterTo(queue.name) },
    });
  }
  for (const routingKey of queue.routingKeys) await channel.bindQueue(queue.name, exchange, routingKey);
}

async function declareStream(
  model: ChannelModel,
  exchange: string,
  stream: StreamQueue,
  logger: Logger,
): Promise<void> {
  try {
    await withChannel(model, (channel) =>
      channel.assertQueue(stream.name, {
        arguments: {
          'x-queue-type': 'stream',
          'x-max-age': `${stream.maxAgeSeconds}s`,
          'x-max-length-bytes': stream.maxBytes,
          // Only whole segments expire, and the default one holds 500 MB.
          'x-stream-max-segment-size-bytes': 1_000_000,
        },
      }),
    );
  } catch (error) {
    // Its age comes from a setting: after a change of that the old stream goes on serving. A policy can bound it meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === PRECONDITION_FAILED)) throw error;
    logger.warn('stream exists with other arguments and is left as it is', { stream: stream.name, err: error });
  }
  await withChannel(model, async (channel) => {
    for (const routingKey of stream.routingKeys) await channel.bindQueue(stream.name, exchange, routingKey);
  });
}

/** Creates a transient queue for the consumer of this channel; answers its name. */
export async function declareTransientQueue(
  channel: Channel,
  exchange: string,
  { name, routingKeys, maxLength, maxBytes, timeToLive }: TransientQueue,
): Promise<string> {
  // A name of its own each time: the old queue stays locked while the broker hasn't noticed that its connection is dead.
  const { queue } = await channel.assertQueue(`${name}.${randomUUID()}`, {
    exclusive: true,
    autoDelete: true,
    durable: false,
    arguments: { 'x-max-length': maxLength, 'x-max-length-bytes': maxBytes, 'x-message-ttl': timeToLive },
  });
  for (const routingKey of routingKeys) await channel.bindQueue(queue, exchange, routingKey);
  return queue;
}

async function withChannel<T>(model: ChannelModel, work: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined); // the call that caused it rejects with the same error
  try {
    return await work(channel);
  } finally {
    // Not awaited: amqplib never settles a close whose answer is cut off by the connection's end.
    void channel.close().catch(() => undefined);
  }
}
