import { createHmac, timingSafeEqual } from 'node:crypto';
import { WebhookNotGenuine, type WebhookRequest } from './webhook-reader.js';

/** Seconds that a webhook's time may be off ours. */
const TOLERANCE = 300;

/** The signature of a webhook, as Standard Webhooks has it (specification 1.0.0): HMAC-SHA256 of id, time and body. */
export function signatureOf(
  { id, timestamp, body }: { id: string; timestamp: string; body: Buffer },
  secret: Buffer,
): string {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64');
}

/** The id of a webhook that is signed with one of the secrets, no longer ago than five minutes. Throws WebhookNotGenuine. */
export function verifiedId(
  { headers, body }: WebhookRequest,
  { secrets, now }: { secrets: readonly Buffer[]; now: Date },
): string {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') {
    throw new WebhookNotGenuine('A webhook needs its id, time and signature');
  }
  const age = Math.floor(now.getTime() / 1_000) - Number(timestamp);
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(age) > TOLERANCE) {
    throw new WebhookNotGenuine('The webhook is not of this time');
  }
  const presented = signatures.split(' ').flatMap((signature) => {
    const [version, value] = signature.split(',');
    return version === 'v1' && value !== undefined ? [Buffer.from(value)] : [];
  });
  const accepted = secrets.map((secret) => Buffer.from(signatureOf({ id, timestamp, body }, secret)));
  const isGenuine = presented.some((one) => accepted.some((other) => isSame(one, other)));
  if (!isGenuine) throw new WebhookNotGenuine('The webhook has no valid signature');
  return id;
}

/** Takes as long whether or not, and where, they differ. */
const isSame = (one: Buffer, other: Buffer): boolean => one.length === other.length && timingSafeEqual(one, other);
