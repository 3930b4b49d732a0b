import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { moneyText } from '../discrepancies/money-text.js';
import { CHARGE_TIMEOUT_FACTOR, LONGEST_PAUSE } from '../payments/payment.js';
import type { LedgerPage, LedgerPageRequest, ProviderLedger } from '../providers/payment-provider.js';
import { discrepancyOf } from './finding-discrepancy.js';
import { judgementOf, type ComparisonTimes, type EntryKind, type Finding } from './ledger.js';
import { LedgerRepository, type UnconfirmedOrder } from './ledger.repository.js';

export interface LedgerComparisonOptions {
  databaseUrl: string;
  ledgers: ReadonlyMap<string, ProviderLedger>;
  /** Milliseconds. */
  providerTimeout: number;
}

/** What came of the comparison with one provider. */
export interface Comparison {
  readonly compared: Record<EntryKind, number>;
  readonly differences: number;
  /** What is still being settled. */
  readonly open: number;
}

export interface ComparisonListener {
  onDifference?: (finding: Finding) => void;
  onCompared?: (provider: string, result: Comparison) => void;
  onUnconfirmedOrder?: (order: UnconfirmedOrder) => void;
}

interface ComparisonRun extends ComparisonListener {
  since: Date;
  /** Notified of what differs, part by part. */
  record: (found: readonly DiscrepancyDraft[]) => Promise<void>;
}

/** Milliseconds beyond the provider's own time after which an outcome has been written down. */
const WRITING_TIME = 10_000;
/** Clocks of two systems may be this far apart, in milliseconds. */
const CLOCK_SKEW = 60_000;

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
    const compare = [...this.#options.ledgers].map(
      ([provider, ledger]) =>
        () =>
          this.#compare(provider, ledger, since, listener),
    );
    const parts = [...compare, () => this.#findUnconfirmed(since, listener)];
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
      const times = this.#timesAt(await ledgerRepository.now());
      const copy = async (
        kind: EntryKind,
        list: (page: LedgerPageRequest, signal: AbortSignal) => Promise<LedgerPage>,
      ) => {
        let start: string | undefined;
        do {
          const { entries, next } = await list({ since, start }, AbortSignal.timeout(this.#options.providerTimeout));
          await ledgerRepository.addTheirs(kind, entries);
          start = next;
        } while (start !== undefined);
      };
      await copy('charge', (page, signal) => ledger.listCharges(page, signal));
      await copy('refund', (page, signal) => ledger.listRefunds(page, signal));
      const found: DiscrepancyDraft[] = [];
      const compared = { charge: 0, refund: 0 };
      let open = 0;
      // What we opened before we asked for the provider's ledger from `since` on need not be in it.
      const ours = new Date(since.getTime() + CLOCK_SKEW);
      for await (const pair of ledgerRepository.pairs({ provider, since: ours })) {
        compared[pair.kind] += 1;
        const difference = judgementOf(pair, times);
        if (difference === 'open') open += 1;
        if (difference === 'open' || difference === 'same') continue;
        const finding = { ...pair, difference };
        found.push(discrepancyOf(provider, finding));
        onDifference?.(finding);
      }
      onCompared?.(provider, { compared, differences: found.length, open });
      return found;
    });
  }

  /** It is normal that an outcome that the provider knows is open here for a while, and for longer where it knows none. */
  #timesAt(startedAt: Date): ComparisonTimes {
    const { providerTimeout } = this.#options;
    const before = (milliseconds: number) => new Date(startedAt.getTime() - milliseconds);
    return {
      startedAt,
      openSince: before(providerTimeout + WRITING_TIME),
      unknownSince: before(CHARGE_TIMEOUT_FACTOR * providerTimeout + LONGEST_PAUSE + WRITING_TIME),
    };
  }

  async #findUnconfirmed(since: Date, { onUnconfirmedOrder }: ComparisonListener): Promise<DiscrepancyDraft[]> {
    const orders = await this.#withLedger((ledgerRepository) => ledgerRepository.unconfirmedOrders(since));
    for (const order of orders) onUnconfirmedOrder?.(order);
    return orders.map(unconfirmed);
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
