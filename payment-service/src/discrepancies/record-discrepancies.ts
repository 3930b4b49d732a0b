import { randomUUIDv7 as newId } from 'node:crypto';
import { sqltag as sql, type Sql } from '@prisma/client/runtime/client';
import { keyOf, type DiscrepancyDraft } from './discrepancy.js';

/**
 * The statement that records discrepancies, to run in the transaction of the change that has found them. Seen again, an
 * open one counts up and takes the newest details. One that an admin has closed stays closed, unless its details have
 * changed since: then it is a new one.
 */
export function recordDiscrepancies(drafts: readonly DiscrepancyDraft[]): Sql {
  const rows = drafts.map((draft) => ({ details: {}, ...draft, id: newId(), key: keyOf(draft) }));
  // ON CONFLICT can't touch a row twice in one statement: the last sight of each counts.
  const unique = [...new Map(rows.map((row) => [row.key, row])).values()];
  return sql`
    INSERT INTO discrepancies AS known (id, kind, key, provider, reference, order_id, payment_id, refund_id, details)
    SELECT id, kind, key, provider, reference, "orderId", "paymentId", "refundId", details
    FROM json_to_recordset(${JSON.stringify(unique)}::json) AS seen (
      id uuid, kind text, key text, provider text, reference text, "orderId" uuid, "paymentId" uuid, "refundId" uuid,
      details jsonb
    )
    WHERE NOT EXISTS (
      SELECT FROM discrepancies AS closed
      WHERE closed.key = seen.key AND closed.closed_at IS NOT NULL AND closed.details = seen.details
    )
    ON CONFLICT (key) WHERE closed_at IS NULL DO UPDATE
    SET details = excluded.details, order_id = coalesce(known.order_id, excluded.order_id),
      payment_id = coalesce(known.payment_id, excluded.payment_id), occurrences = known.occurrences + 1, last_seen_at = now()`;
}
