// Compares our ledger with the payment provider's: `reconcile.js [--since DATE]`. Ends with 0 when they agree, 1 when they
// differ, 2 when they could not be compared.
import { parseArgs } from 'node:util';
import { SettingsError } from '@shop/common/config';
import { stopInOrder } from '@shop/common/service';
import { redact, type Logger } from '@shop/common/logger';
import { loadReconciliationConfig, type ReconciliationConfig } from './config.js';
import { ProviderSet } from './providers/provider-set.js';
import { LedgerComparison } from './reconciliation/ledger-comparison.js';
import { LedgerRepository } from './reconciliation/ledger.repository.js';
import { OrdersComparison, orderDiffers, type OrderDifference } from './reconciliation/orders-comparison.js';
import { findingLine, heading, orderLine, ordersSummary, summary, unconfirmedLine } from './reconciliation/report.js';

/** What fails here fails the comparison, which says so. */
const nothing = (): void => undefined;
const silent: Logger = { error: nothing, warn: nothing, info: nothing, debug: nothing };

const stdout = (line: string): boolean => process.stdout.write(`${line}\n`);

function sinceOf(args: string[]): Date {
  const { since } = parseArgs({ args, options: { since: { type: 'string' } } }).values;
  if (!since) return new Date(0);
  const date = new Date(since);
  if (Number.isNaN(date.getTime()))
    throw new Error('--since must be a date such as 2026-01-31 or 2026-01-31T12:00:00Z');
  return date;
}

/** Whether the ledgers agree with those of each provider that is set up, and with the orders. What differs is recorded. */
async function reconcile(config: ReconciliationConfig, since: Date): Promise<boolean> {
  const providerSet = new ProviderSet({
    config,
    timeout: config.providerTimeout,
    logger: silent,
    clock: () => new Date(),
    webhookUrl: () => 'http://127.0.0.1:1', // nothing is charged here, so no provider sends any
  });
  const { databaseUrl, providerTimeout } = config;
  const comparison = new LedgerComparison({ databaseUrl, providerTimeout, ledgers: providerSet.ledgers });
  let hasHeading = false;
  const show = (found: string): void => {
    if (!hasHeading) stdout(heading);
    hasHeading = true;
    stdout(found);
  };
  const ledger = new LedgerRepository({ url: databaseUrl });
  try {
    await ledger.open();
    let differences = await comparison.run({
      since,
      record: (found) => ledger.record(found),
      onDifference: (finding) => show(findingLine(finding)),
      onUnconfirmedOrder: (order) => show(unconfirmedLine(order)),
      onCompared: (provider, result) => {
        stdout(config.providers.length > 1 ? `${provider}: ${summary(result)}` : summary(result));
        hasHeading = false;
      },
    });
    const { orderDatabaseUrl } = config;
    if (orderDatabaseUrl !== undefined) {
      const orders = new OrdersComparison({ orderDatabaseUrl, paymentDatabaseUrl: databaseUrl });
      const different: OrderDifference[] = [];
      const compared = await orders.run({
        since,
        onDifference: (difference) => {
          show(orderLine(difference));
          different.push(difference);
        },
      });
      stdout(ordersSummary(compared, different.length));
      await ledger.record(different.map(orderDiffers));
      differences += different.length;
    }
    return differences === 0;
  } finally {
    await stopInOrder([() => ledger.close(), () => providerSet.stop()]);
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
