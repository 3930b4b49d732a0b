import type { LedgerPage, LedgerPageRequest, ProviderLedger } from '../providers/payment-provider.js';
import { judgementOf, type Difference, type EntryKind, type Pair } from './ledger.js';
import type { LedgerRepository } from './ledger.repository.js';

export interface ReconciliationOptions {
  ledger: ProviderLedger;
  /** The provider's name, as it stands in payments. */
  provider: string;
  ledgerRepository: LedgerRepository;
  /** Milliseconds that the provider has to answer. */
  timeout: number;
  /** Milliseconds for which it is normal that an outcome that the provider knows is open here. */
  settlingTime: number;
  /** Milliseconds for which it is normal that the provider doesn't know of a charge or refund that is open here. */
  longestUnknown: number;
}

export interface Finding extends Pair {
  readonly difference: Difference;
}

export interface Reconciliation {
  readonly compared: Record<EntryKind, number>;
  readonly differences: number;
  /** What is still being settled. */
  readonly open: number;
}

/** Clocks of two systems may be this far apart, in milliseconds. */
const CLOCK_SKEW = 60_000;

/** Compares our ledger with the provider's, as of now. */
export class ReconciliationService {
  readonly #options: ReconciliationOptions;

  constructor(options: ReconciliationOptions) {
    this.#options = options;
  }

  /** Compares what was opened at or after `since`, and describes each difference as it is found. */
  async compare({
    since,
    onDifference,
  }: {
    since: Date;
    onDifference: (finding: Finding) => void;
  }): Promise<Reconciliation> {
    const { ledger, ledgerRepository, provider, settlingTime, longestUnknown } = this.#options;
    const startedAt = await ledgerRepository.now();
    const before = (milliseconds: number) => new Date(startedAt.getTime() - milliseconds);
    const times = { startedAt, openSince: before(settlingTime), unknownSince: before(longestUnknown) };
    await this.#copy('charge', since, (page, signal) => ledger.listCharges(page, signal));
    await this.#copy('refund', since, (page, signal) => ledger.listRefunds(page, signal));
    const compared = { charge: 0, refund: 0 };
    let differences = 0;
    let open = 0;
    // What we opened before we asked for the provider's ledger from `since` on need not be in them.
    const ours = new Date(since.getTime() + CLOCK_SKEW);
    for await (const pair of ledgerRepository.pairs({ provider, since: ours })) {
      compared[pair.kind] += 1;
      const judgement = judgementOf(pair, times);
      if (judgement === 'same') continue;
      if (judgement === 'open') {
        open += 1;
        continue;
      }
      differences += 1;
      onDifference({ ...pair, difference: judgement });
    }
    return { compared, differences, open };
  }

  async #copy(
    kind: EntryKind,
    since: Date,
    list: (page: LedgerPageRequest, signal: AbortSignal) => Promise<LedgerPage>,
  ): Promise<void> {
    let start: string | undefined;
    do {
      const { entries, next } = await list({ since, start }, AbortSignal.timeout(this.#options.timeout));
      await this.#options.ledgerRepository.addTheirs(kind, entries);
      start = next;
    } while (start !== undefined);
  }
}
