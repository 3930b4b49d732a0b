import type { Actor } from '@shop/common/auth';
import { discrepancyKinds } from '@shop/common/contracts';
import type { PageRequest, Slice } from '@shop/common/paging';
import type { Logger } from '@shop/common/logger';
import { DiscrepancyClosed, DiscrepancyNotFound } from './discrepancy.errors.js';
import type { DiscrepancyMetrics } from './discrepancy.metrics.js';
import type { DiscrepancyFilters, DiscrepancyRepository } from './discrepancy.repository.js';
import type { Discrepancy, DiscrepancyDraft } from './discrepancy.js';

export interface DiscrepancyServiceOptions {
  discrepancies: DiscrepancyRepository;
  metrics: DiscrepancyMetrics;
  logger: Logger;
}

/** The use cases of discrepancies: recorded by whoever finds one, read and closed by admins. */
export class DiscrepancyService {
  readonly #options: DiscrepancyServiceOptions;

  constructor(options: DiscrepancyServiceOptions) {
    this.#options = options;
  }

  /** What contradicts our ledger and is found outside of a change of ours. The same one again only counts up. */
  async record(...drafts: readonly DiscrepancyDraft[]): Promise<void> {
    for (const { details, ...facts } of drafts)
      this.#options.logger.error('ledger contradicted', { ...facts, ...details });
    await this.#options.discrepancies.record(drafts);
  }

  list(filters: DiscrepancyFilters, request: PageRequest): Promise<Slice<Discrepancy>> {
    return this.#options.discrepancies.list(filters, request);
  }

  /** Closes it with what was done about it; with the same note again nothing happens. Throws DiscrepancyNotFound and DiscrepancyClosed. */
  async close(actor: Actor, id: string, note: string): Promise<Discrepancy> {
    const { discrepancies } = this.#options;
    const audit = [{ action: 'discrepancy.closed', actor, subject: { kind: 'discrepancy', id } }] as const;
    const closed = await discrepancies.close(id, { by: actor.id, note, audit });
    if (closed !== undefined) return closed;
    const known = await discrepancies.find(id);
    if (known === undefined) throw new DiscrepancyNotFound();
    if (known.note !== note) throw new DiscrepancyClosed();
    return known;
  }

  /** Notes how many are open. False: that is all of it. */
  async watch(): Promise<boolean> {
    const { discrepancies, metrics } = this.#options;
    const open = await discrepancies.countOpen();
    for (const kind of discrepancyKinds) metrics.open(kind, open.get(kind) ?? 0);
    return false;
  }
}
