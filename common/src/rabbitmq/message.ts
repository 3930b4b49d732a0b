import type { Message } from 'amqplib';

/** What a message says, whoever has published it. */
export interface ReceivedMessage {
  readonly body: Buffer;
  readonly messageId: string | undefined;
  readonly type: string | undefined;
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

const textOrUndefined = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const readMessage = ({ content, properties }: Message): ReceivedMessage => ({
  body: content,
  messageId: textOrUndefined(properties.messageId),
  type: textOrUndefined(properties.type),
  contentType: textOrUndefined(properties.contentType),
  headers: properties.headers ?? {},
});
