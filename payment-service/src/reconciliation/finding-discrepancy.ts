import { validate as isUuid } from 'uuid';
import type { DiscrepancyKind } from '@shop/common/contracts';
import { contradiction } from '../discrepancies/contradiction.js';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import { isOpen, type Finding } from './ledger.js';

const kinds = {
  charge: { onlyThere: 'charged_not_paid', onlyHere: 'paid_not_charged' },
  refund: { onlyThere: 'refund_at_provider', onlyHere: 'refund_failed_after_success' },
} as const satisfies Record<Finding['kind'], Record<string, DiscrepancyKind>>;

function kindOf(finding: Finding): DiscrepancyKind {
  const { onlyThere, onlyHere } = kinds[finding.kind];
  switch (finding.difference) {
    case 'amount':
    case 'currency':
      return 'amount_differs';
    case 'transaction':
      return 'transaction_differs';
    case 'missing here':
      return onlyThere;
    case 'missing there':
      return onlyHere;
    case 'status':
      if (isOpen(finding.kind, finding.ours?.status)) return 'unsettled';
      return finding.theirs?.verdict.outcome === 'succeeded' ? onlyThere : onlyHere;
  }
}

/** What is recorded of a difference between our ledger and a provider's. */
export function discrepancyOf(provider: string, finding: Finding): DiscrepancyDraft {
  const { kind, key, ours, theirs } = finding;
  const id = isUuid(key) ? key : null;
  const subject = {
    provider,
    reference: id === null ? key : null,
    orderId: ours?.orderId ?? null,
    paymentId: ours?.paymentId ?? (kind === 'charge' ? id : null),
    refundId: kind === 'refund' ? id : null,
  };
  return contradiction(kindOf(finding), subject, { ours, theirs: theirs && { ...theirs, ...theirs.verdict } });
}
