import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { moneyText } from '../discrepancies/money-text.js';
import { CHARGE_PATIENCE, LONGEST_PAUSE } from '../payments/payment.js';
import type { ProviderLedger } from '../providers/payment-provider.js';
import { BooksRepository, type UnconfirmedOrder } from './books.repository.js';
import { discrepancyOf } from './finding-discrepancy.js';
import { ReconciliationService, type Finding, type Reconciliation } from './reconciliation.service.js';

export interface BooksComparisonOptions {
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

/** Milliseconds beyond the provider's own time after which an outcome has been written down. */
const WRITING_TIME = 10_000;

/** Compares our books with those of every provider, and with what order-service has told of its orders. */
export class BooksComparison {
  readonly #options: BooksComparisonOptions;

  constructor(options: BooksComparisonOptions) {
    this.#options = options;
  }

  /** Answers everything that differs of what was opened at or after `since`, ready to be recorded. */
  async run({ since, ...listener }: { since: Date } & ComparisonListener): Promise<DiscrepancyDraft[]> {
    const found: DiscrepancyDraft[] = [];
    for (const [provider, ledger] of this.#options.ledgers) {
      await this.#withBooks(async (books) => {
        const result = await this.#serviceFor(provider, ledger, books).compare({
          since,
          onDifference: (finding) => {
            found.push(discrepancyOf(provider, finding));
            listener.onDifference?.(provider, finding);
          },
        });
        listener.onCompared?.(provider, result);
      });
    }
    await this.#withBooks(async (books) => {
      for (const order of await books.unconfirmedOrders(since)) {
        found.push(unconfirmed(order));
        listener.onUnconfirmedOrder?.(order);
      }
    });
    return found;
  }

  #serviceFor(provider: string, ledger: ProviderLedger, books: BooksRepository): ReconciliationService {
    const { providerTimeout } = this.#options;
    return new ReconciliationService({
      ledger,
      provider,
      books,
      timeout: providerTimeout,
      settlingTime: providerTimeout + WRITING_TIME,
      longestUnknown: CHARGE_PATIENCE * providerTimeout + LONGEST_PAUSE + WRITING_TIME,
    });
  }

  async #withBooks(work: (books: BooksRepository) => Promise<void>): Promise<void> {
    const books = new BooksRepository({ url: this.#options.databaseUrl });
    try {
      await books.open();
      await work(books);
    } finally {
      await books.close();
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
