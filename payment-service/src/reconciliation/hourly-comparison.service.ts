import type { DiscrepancyService } from '../discrepancies/discrepancy.service.js';
import type { LedgerComparison } from './ledger-comparison.js';
import type { ComparisonTurns } from './comparison-turns.repository.js';

export interface HourlyComparisonOptions {
  turns: ComparisonTurns;
  comparison: LedgerComparison;
  discrepancies: Pick<DiscrepancyService, 'record'>;
  /** The database's. */
  clock: () => Promise<Date>;
}

/** How far back the ledgers are compared by themselves; `make reconcile` goes back to the beginning. */
const WINDOW = 7 * 24 * 60 * 60_000;
const BATCH = 100;

/** The comparison of the ledgers that nobody has to ask for: once an hour, by one process. */
export class HourlyComparisonService {
  readonly #options: HourlyComparisonOptions;

  constructor(options: HourlyComparisonOptions) {
    this.#options = options;
  }

  /** Compares the ledger if it is time, and nobody else does. False: that is all of it. */
  async compareIfDue(): Promise<boolean> {
    const { turns, comparison, discrepancies, clock } = this.#options;
    await turns.ifDue(async () =>
      comparison.run({
        since: new Date((await clock()).getTime() - WINDOW),
        record: async (found) => {
          for (let start = 0; start < found.length; start += BATCH) {
            await discrepancies.record(...found.slice(start, start + BATCH));
          }
        },
      }),
    );
    return false;
  }
}
