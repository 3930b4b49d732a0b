import type { Database } from '../database.js';

/** Which webhooks had their effect already. */
export class WebhookRepository {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  async isHandled(provider: string, webhookId: string): Promise<boolean> {
    const row = await this.#database.handledWebhook.findFirst({ where: { provider, webhookId } });
    return row !== null;
  }

  async noteHandled(provider: string, webhookId: string, handledAt: Date): Promise<void> {
    await this.#database.handledWebhook.createMany({
      data: [{ provider, webhookId, handledAt }],
      skipDuplicates: true,
    });
  }

  /** Forgets up to `limit` webhooks that were handled before then. Answers how many. */
  async forget({ before, limit }: { before: Date; limit: number }): Promise<number> {
    return this.#database.$executeRaw`
      DELETE FROM handled_webhooks WHERE (provider, webhook_id) IN (
        SELECT provider, webhook_id FROM handled_webhooks WHERE handled_at < ${before}
        ORDER BY handled_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )`;
  }
}
