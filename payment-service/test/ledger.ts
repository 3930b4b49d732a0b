import { expect } from '@jest/globals';
import type { TestService } from './test-service.js';

/** What stands in our ledger and not in the provider's, or the other way round. Unknown outcomes stand in the provider's alone. */
const DIFFERENCES = `
  SELECT coalesce(payments.id::text, charges.key) AS key, payments.status::text, payments.amount AS ours, charges.amount AS theirs
  FROM (SELECT * FROM payments WHERE provider = 'simulated' AND status <> 'failed') AS payments
  FULL JOIN (SELECT * FROM simulated_provider.charges WHERE decline_reason IS NULL) AS charges
    ON charges.key = payments.id::text
  WHERE payments.id IS NULL
    OR payments.amount <> charges.amount
    OR (payments.status <> 'processing' AND payments.transaction_id IS DISTINCT FROM charges.transaction_id)
  UNION ALL
  SELECT coalesce(refunds.id::text, entries.key), refunds.status::text, refunds.amount, entries.amount
  FROM (
    SELECT refunds.* FROM refunds JOIN payments ON payments.id = payment_id
    WHERE provider = 'simulated' AND refunds.status = 'succeeded'
  ) AS refunds
  FULL JOIN (SELECT * FROM simulated_provider.refunds WHERE decline_reason IS NULL) AS entries
    ON entries.key = refunds.id::text
  WHERE refunds.id IS NULL OR entries.key IS NULL
    OR refunds.amount <> entries.amount OR refunds.transaction_id <> entries.transaction_id`;

/** Every charge and refund of the provider's ledger is in our ledger with its amount, and nothing else is. */
export async function expectLedgerToBalance(test: TestService): Promise<void> {
  expect(await test.query(DIFFERENCES)).toEqual([]);
}
