import { paramsOf, text, webhookRoute, type Route } from '@shop/common/http';
import type { WebhookHandler } from './webhook.handler.js';

const MAX_BODY_BYTES = 1_000_000;
const params = paramsOf({ provider: text({ max: 50 }) });

/** What providers may call, below /api/v1/payments. */
export const webhookRoutes = (webhooks: WebhookHandler): readonly Route[] => [
  webhookRoute({ path: '/webhooks/:provider', params, maxBytes: MAX_BODY_BYTES, handle: webhooks.receive }),
];
