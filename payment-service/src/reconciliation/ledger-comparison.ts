import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { moneyText } from '../discrepancies/money-text.js';
import { CHARGE_TIMEOUT_FACTOR, LONGEST_PAUSE } from '../payments/payment.js';
import type { ProviderLedger } from '../providers/payment-provider.js';
import { LedgerRepository, type UnconfirmedOrder } from './ledger.repository.js';
import { discrepancyOf } from './finding-discrepancy.js';
import { ReconciliationService, type Finding, type Reconciliation } from './reconciliation.service.js';

export interface LedgerComparisonOptions {
  databaseUrl: string;
  ledgers: ReadonlyMap<string, ProviderLedger>;
  /** Milliseconds. */
  providerTimeout: number;
}

export interface ComparisonListener {
  onDifference?: (provider: string, finding: Finding) => void;
  onCompared?: (provider: string, result: Reconciliation) => void;
  onUnconfirmedOrder?: (order: UnconfirmedOrder) => void;
}

interface ComparisonRun extends ComparisonListener {
  since: Date;
  /** Notified of what differs, part by part. */
  record: (found: readonly DiscrepancyDraft[]) => Promise<void>;
}

/** Milliseconds beyond the provider's own time after which an outcome has been written down. */
const WRITING_TIME = 10_000;

/** Compares our ledger with those of every provider, and with what order-service has published about its orders. */
export class LedgerComparison {
  readonly #options: LedgerComparisonOptions;

  constructor(options: LedgerComparisonOptions) {
    this.#options = options;
  }

  /**
   * Compares what was opened at or after `since`, and has what differs recorded after each of the ledger. One provider that
   * can't be asked keeps nobody from the others. Answers how much differs; throws, at the end, where something failed.
   */
  async run({ since, record, ...listener }: ComparisonRun): Promise<number> {
    const parts = [
      ...Array.from(
        this.#options.ledgers,
        ([provider, ledger]) =>
          () =>
            this.#compare(provider, ledger, since, listener),
      ),
      () => this.#findUnconfirmed(since, listener),
    ];
    const failures: unknown[] = [];
    let differences = 0;
    for (const part of parts) {
      try {
        const found = await part();
        await record(found);
        differences += found.length;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) {
      const reasons = new Set(failures.map((error) => (error instanceof Error ? error.message : String(error))));
      throw new AggregateError(failures, Array.from(reasons).join('; '));
    }
    return differences;
  }

  async #compare(
    provider: string,
    ledger: ProviderLedger,
    since: Date,
    { onDifference, onCompared }: ComparisonListener,
  ): Promise<DiscrepancyDraft[]> {
    return this.#withLedger(async (ledgerRepository) => {
      const found: DiscrepancyDraft[] = [];
      const result = await this.#serviceFor(provider, ledger, ledgerRepository).compare({
        since,
        onDifference: (finding) => {
          found.push(discrepancyOf(provider, finding));
          onDifference?.(provider, finding);
        },
      });
      onCompared?.(provider, result);
      return found;
    });
  }

  async #findUnconfirmed(since: Date, { onUnconfirmedOrder }: ComparisonListener): Promise<DiscrepancyDraft[]> {
    const orders = await this.#withLedger((ledgerRepository) => ledgerRepository.unconfirmedOrders(since));
    for (const order of orders) onUnconfirmedOrder?.(order);
    return orders.map(unconfirmed);
  }

  #serviceFor(provider: string, ledger: ProviderLedger, ledgerRepository: LedgerRepository): ReconciliationService {
    const { providerTimeout } = this.#options;
    return new ReconciliationService({
      ledger,
      provider,
      ledgerRepository,
      timeout: providerTimeout,
      settlingTime: providerTimeout + WRITING_TIME,
      longestUnknown: CHARGE_TIMEOUT_FACTOR * providerTimeout + LONGEST_PAUSE + WRITING_TIME,
    });
  }

  async #withLedger<T>(work: (ledgerRepository: LedgerRepository) => Promise<T>): Promise<T> {
    const ledgerRepository = new LedgerRepository({ url: this.#options.databaseUrl });
    try {
      await ledgerRepository.open();
      return await work(ledgerRepository);
    } finally {
      await ledgerRepository.close();
    }
  }
}

const unconfirmed = ({ orderId, paymentId, paidAt, ...paid }: UnconfirmedOrder): DiscrepancyDraft => ({
  kind: 'order_not_confirmed',
  provider: null,
  orderId,
  paymentId,
  details: { ours: moneyText(paid, paid.currencyDecimals), paidAt: paidAt.toISOString() },
});
