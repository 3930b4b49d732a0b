import { validate as isUuid } from 'uuid';
import type { Logger } from '@shop/common/logger';
import type { ChargeReconciler } from '../payments/charge-reconciler.service.js';
import type { IncidentService } from '../payments/incident.service.js';
import type { RefundService } from '../payments/refund.service.js';
import type { Incident, Settlement, WebhookReader, WebhookRequest } from '../providers/webhook-reader.js';
import { ProviderNotFound } from './webhook.errors.js';
import type { WebhookRepository } from './webhook.repository.js';

export interface WebhookServiceOptions {
  /** By the name of the provider. */
  readers: ReadonlyMap<string, WebhookReader>;
  webhooks: WebhookRepository;
  charges: Pick<ChargeReconciler, 'reconcile'>;
  refunds: Pick<RefundService, 'follow'>;
  incidents: Pick<IncidentService, 'note'>;
  logger: Logger;
  clock: () => Date;
}

/** Milliseconds for which a webhook is remembered: longer than providers go on sending the same one. */
const RETENTION = 7 * 24 * 60 * 60_000;
const BATCH = 1_000;

/** Verdicts that providers tell unasked, at any time and any number of times. */
export class WebhookService {
  readonly #options: WebhookServiceOptions;

  constructor(options: WebhookServiceOptions) {
    this.#options = options;
  }

  /** Resolves when the webhook has had its effect, now or before. Throws ProviderNotFound, WebhookNotGenuine and WebhookMalformed. */
  async receive(provider: string, request: WebhookRequest): Promise<void> {
    const { readers, webhooks, clock, logger } = this.#options;
    const reader = readers.get(provider);
    if (reader === undefined) throw new ProviderNotFound();
    const { id, about } = reader.read(request, clock());
    if (await webhooks.isHandled(provider, id)) return;
    if (about !== undefined) await this.#follow(provider, about);
    // Noted last: what a crash leaves without its effect is not yet noted, and comes again. That two at once may both get
    // here does no harm, since a verdict on what is settled changes nothing.
    await webhooks.noteHandled(provider, id, clock());
    const outcome = about && 'state' in about ? about.state.outcome : undefined;
    logger.info('webhook handled', { provider, webhookId: id, kind: about?.kind, outcome });
  }

  /** Forgets old webhooks. True: there may be more of them. */
  async purgeExpired(): Promise<boolean> {
    const before = new Date(this.#options.clock().getTime() - RETENTION);
    return (await this.#options.webhooks.forget({ before, limit: BATCH })) === BATCH;
  }

  async #follow(provider: string, about: Settlement | Incident): Promise<void> {
    const { charges, refunds, incidents } = this.#options;
    if (!('state' in about)) return incidents.note(provider, about);
    if (!isUuid(about.key)) return; // our keys are: it is somebody else's
    if (about.kind === 'charge') await charges.reconcile(provider, about.key, about.state);
    else await refunds.follow(provider, about.key, about.state);
  }
}
