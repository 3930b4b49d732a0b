import { described, paramsOf, text, webhookRoute, type Route } from '@shop/common/http';
import type { WebhookHandler } from './webhook.handler.js';

const MAX_BODY_BYTES = 1_000_000;
const params = paramsOf({ provider: described(text({ max: 50 }), 'The name of the provider.', 'simulated') });

/** What providers may call, below /api/v1/payments. */
export const webhookRoutes = (webhooks: WebhookHandler): readonly Route[] => [
  webhookRoute({
    path: '/webhooks/:provider',
    operation: {
      id: 'receiveWebhook',
      summary: 'Take a verdict from a payment provider',
      description:
        'For providers, which sign each message; messages that came before, and of unknown objects, are answered 200.',
      replies: { 200: { message: 'Webhook received', data: null } },
      errors: ['UNAUTHORIZED'],
    },
    params,
    maxBytes: MAX_BODY_BYTES,
    handle: webhooks.receive,
  }),
];
