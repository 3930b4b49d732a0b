import { z } from 'zod';
import { MAX_MINOR_UNITS } from '@shop/common/money';
import type { Verdict } from '../payment-provider.js';
import { providerText } from '../provider-text.js';
import { WebhookMalformed, type ProviderNotice, type WebhookReader, type WebhookRequest } from '../webhook-reader.js';
import { verifiedId } from '../webhook-signature.js';

const MAX_ID_LENGTH = 255;

const money = z.object({
  key: z.string(),
  amount: z.int().min(1).max(Number(MAX_MINOR_UNITS)).transform(BigInt),
  currency: z.string().regex(/^[A-Z]{3}$/),
});
const succeeded = money.extend({ transactionId: providerText });
const declined = money.extend({ reason: providerText });
const message = z.object({ type: z.string(), data: z.unknown() });

/** What the simulated provider says in its webhooks, by type. Other types are none of our business. */
const dataOf = {
  'charge.succeeded': { kind: 'charge', data: succeeded },
  'charge.declined': { kind: 'charge', data: declined },
  'refund.succeeded': { kind: 'refund', data: succeeded },
  'refund.declined': { kind: 'refund', data: declined },
} as const;

const isKnown = (type: string): type is keyof typeof dataOf => Object.hasOwn(dataOf, type);

const verdictOf = ({ key: _key, ...data }: z.infer<typeof succeeded> | z.infer<typeof declined>): Verdict =>
  'reason' in data ? { outcome: 'declined', ...data } : { outcome: 'succeeded', ...data };

/** Webhooks of the simulated provider, signed as Standard Webhooks. */
export class SimulatedWebhookReader implements WebhookReader {
  readonly #secrets: readonly Buffer[];

  /** Several secrets while they rotate: each of them is good. */
  constructor({ secrets }: { secrets: readonly Buffer[] }) {
    this.#secrets = secrets;
  }

  read(request: WebhookRequest, now: Date): ProviderNotice {
    const id = verifiedId(request, { secrets: this.#secrets, now });
    try {
      if (id.length > MAX_ID_LENGTH) throw new RangeError(`webhook-id has over ${MAX_ID_LENGTH} characters`);
      const { type, data } = message.parse(JSON.parse(request.body.toString('utf8')));
      if (!isKnown(type)) return { id, about: undefined };
      const { kind, data: schema } = dataOf[type];
      const parsed = schema.parse(data);
      return { id, about: { kind, key: parsed.key, state: verdictOf(parsed) } };
    } catch (error) {
      throw new WebhookMalformed(error);
    }
  }
}
