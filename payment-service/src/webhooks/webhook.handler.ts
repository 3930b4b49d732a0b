import { ok, type Reply, type WebhookInput } from '@shop/common/http';
import type { WebhookService } from './webhook.service.js';

/** Between HTTP and the use cases. */
export class WebhookHandler {
  readonly #webhooks: WebhookService;

  constructor(webhooks: WebhookService) {
    this.#webhooks = webhooks;
  }

  receive = async ({ params, headers, body }: WebhookInput<{ provider: string }>): Promise<Reply> => {
    await this.#webhooks.receive(params.provider, { headers, body });
    return ok('Webhook received', null);
  };
}
