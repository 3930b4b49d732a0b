// Compares our books with the payment provider's: `reconcile.js [--since DATE]`. Ends with 0 when they agree, 1 when they
// differ, 2 when they could not be compared.
import { parseArgs } from 'node:util';
import { SettingsError } from '@shop/common/config';
import { redact, type Logger } from '@shop/common/logger';
import { loadReconciliationConfig, type ReconciliationConfig } from './config.js';
import { CHARGE_PATIENCE, LONGEST_PAUSE } from './payments/payment.js';
import type { ProviderLedger } from './providers/payment-provider.js';
import { ProviderSet } from './providers/provider-set.js';
import { BooksRepository } from './reconciliation/books.repository.js';
import { ReconciliationService } from './reconciliation/reconciliation.service.js';
import { findingLine, heading, summary } from './reconciliation/report.js';

/** Milliseconds beyond the provider's own time after which an outcome has been written down. */
const WRITING_TIME = 10_000;

/** What fails here fails the comparison, which says so. */
const nothing = (): void => undefined;
const silent: Logger = { error: nothing, warn: nothing, info: nothing, debug: nothing };

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function sinceOf(args: string[]): Date {
  const { since } = parseArgs({ args, options: { since: { type: 'string' } } }).values;
  if (!since) return new Date(0);
  const date = new Date(since);
  if (Number.isNaN(date.getTime()))
    throw new Error('--since must be a date such as 2026-01-31 or 2026-01-31T12:00:00Z');
  return date;
}

/** Whether our books agree with those of each provider that is set up. */
async function reconcile(config: ReconciliationConfig, since: Date): Promise<boolean> {
  const providerSet = new ProviderSet({
    config,
    timeout: config.providerTimeout,
    logger: silent,
    clock: () => new Date(),
    webhookUrl: () => 'http://127.0.0.1:1', // nothing is charged here, so no provider sends any
  });
  try {
    let isSame = true;
    for (const [provider, ledger] of providerSet.ledgers) {
      isSame = (await compare(config, { provider, ledger, since })) && isSame;
    }
    return isSame;
  } finally {
    await providerSet.stop();
  }
}

async function compare(
  config: ReconciliationConfig,
  { provider, ledger, since }: { provider: string; ledger: ProviderLedger; since: Date },
): Promise<boolean> {
  const books = new BooksRepository({ url: config.databaseUrl });
  const service = new ReconciliationService({
    ledger,
    provider,
    books,
    clock: () => new Date(),
    timeout: config.providerTimeout,
    settlingTime: config.providerTimeout + WRITING_TIME,
    longestUnknown: CHARGE_PATIENCE * config.providerTimeout + LONGEST_PAUSE + WRITING_TIME,
  });
  let hasHeading = false;
  try {
    await books.open();
    const result = await service.compare({
      since,
      onDifference: (finding) => {
        if (!hasHeading) say(heading);
        hasHeading = true;
        say(findingLine(finding));
      },
    });
    say(config.providers.length > 1 ? `${provider}: ${summary(result)}` : summary(result));
    return result.differences === 0;
  } finally {
    await books.close();
  }
}

try {
  const isSame = await reconcile(loadReconciliationConfig(process.env), sinceOf(process.argv.slice(2)));
  process.exitCode = isSame ? 0 : 1;
} catch (error) {
  const faults =
    error instanceof SettingsError
      ? error.faults.map((fault) => `settings: ${fault}`)
      : [`not compared: ${String(redact(error instanceof Error ? error.message : error))}`];
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = 2;
}
