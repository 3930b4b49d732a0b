import { z } from 'zod';
import { deadLetterQueueOf, type BrokerSession, type TakenMessage, type WorkQueue } from '../rabbitmq/index.js';
import { attemptsOf, deadLetterHeaders, originalHeaders } from './dead-letter-headers.js';

/** What is known of a message that was given up. */
export interface DeadLetter {
  /** The work queue that it could not be handled from. */
  queue: string;
  messageId: string | undefined;
  type: string | undefined;
  subject: string | undefined;
  /** Ours (`failed`, `malformed`), or the broker's (`delivery_limit`). */
  reason: string | undefined;
  /** Undefined where the broker gave it up, which counts deliveries. */
  attempts: number | undefined;
  error: string | undefined;
  time: Date | undefined;
}

/** Which dead letters are meant: those that fit all that is given. */
export interface DeadLetterFilter {
  messageId?: string | undefined;
  type?: string | undefined;
}

const text = z.string().optional().catch(undefined);
const ourHeaders = z.object({
  [deadLetterHeaders.reason]: text,
  [deadLetterHeaders.error]: text,
  [deadLetterHeaders.time]: z.coerce.date().optional().catch(undefined),
});
/** The latest first: https://www.rabbitmq.com/docs/dlx#effects */
const brokerHeaders = z.object({
  'x-death': z.tuple([z.object({ reason: text, time: z.object({ value: z.number() }).optional() })]).rest(z.unknown()),
});
const event = z.object({ type: text, subject: text });

/** The first dead letters of each queue, `limit` a queue at most, and how many there are in all. They stay where they are. */
export async function listDeadLetters(
  session: BrokerSession,
  { queues, limit }: { queues: readonly WorkQueue[]; limit: number },
): Promise<{ deadLetters: DeadLetter[]; total: number }> {
  const deadLetters: DeadLetter[] = [];
  let total = 0;
  for (const queue of queues) {
    const { count, messages } = await session.take(deadLetterQueueOf(queue));
    total += count;
    for (let taken = 0; taken < Math.min(count, limit); taken++) {
      const { value } = await messages.next();
      if (value !== undefined) deadLetters.push(describeDeadLetter(queue, value));
    }
  }
  return { deadLetters, total };
}

/**
 * Puts the dead letters that are meant back into their work queues, one after the other, as they were published first.
 * Each leaves its dead-letter queue after the broker has confirmed it there: broken off at any point none is lost, and one
 * that is put back twice has its effect once. Those that fail meanwhile and come again are left.
 */
export async function replayDeadLetters(
  session: BrokerSession,
  {
    queues,
    filter,
    isDryRun,
    onReplay,
  }: {
    queues: readonly WorkQueue[];
    filter: DeadLetterFilter;
    /** Only tells what would be put back. */
    isDryRun: boolean;
    onReplay: (deadLetter: DeadLetter) => void;
  },
): Promise<void> {
  for (const queue of queues) {
    const { messages } = await session.take(deadLetterQueueOf(queue));
    for await (const message of messages) {
      const deadLetter = describeDeadLetter(queue, message);
      if (!isMeant(deadLetter, filter)) continue;
      // To this queue alone: others may have handled it long ago.
      if (!isDryRun) await session.move(message, queue.name, originalHeaders(message.headers));
      onReplay(deadLetter);
    }
  }
}

/**
 * Removes one dead letter for good, from every queue that has it, and tells first: what `onDrop` rejects stays where it is.
 * Broken off in between, it is there still.
 */
export async function dropDeadLetter(
  session: BrokerSession,
  {
    queues,
    messageId,
    onDrop,
  }: {
    queues: readonly WorkQueue[];
    messageId: string;
    onDrop: (deadLetter: DeadLetter, queue: WorkQueue) => Promise<void>;
  },
): Promise<void> {
  for (const queue of queues) {
    const { messages } = await session.take(deadLetterQueueOf(queue));
    for await (const message of messages) {
      const deadLetter = describeDeadLetter(queue, message);
      if (!isMeant(deadLetter, { messageId })) continue;
      await onDrop(deadLetter, queue);
      message.acknowledge();
    }
  }
}

const isMeant = (deadLetter: DeadLetter, { messageId, type }: DeadLetterFilter): boolean =>
  (messageId === undefined || deadLetter.messageId === messageId) && (type === undefined || deadLetter.type === type);

function describeDeadLetter(queue: WorkQueue, { body, messageId, type, headers }: TakenMessage): DeadLetter {
  const ours = ourHeaders.parse(headers);
  const [death] = brokerHeaders.safeParse(headers).data?.['x-death'] ?? [];
  const { data } = event.safeParse(parseJson(body));
  return {
    queue: queue.name,
    messageId,
    type: type ?? data?.type,
    subject: data?.subject,
    reason: ours[deadLetterHeaders.reason] ?? death?.reason,
    attempts: attemptsOf(headers) || undefined,
    error: ours[deadLetterHeaders.error],
    time: ours[deadLetterHeaders.time] ?? (death?.time && new Date(death.time.value * 1_000)),
  };
}

/** Undefined where the body is none: a dead letter may be anything. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
