import { discrepancyKinds, type DiscrepancyKind } from '@shop/common/contracts';
import type { Metrics } from '@shop/common/metrics';

export interface DiscrepancyMetrics {
  /** How many of a kind are open. */
  open(kind: DiscrepancyKind, count: number): void;
}

export function createDiscrepancyMetrics(metrics: Metrics): DiscrepancyMetrics {
  const open = metrics.gauge('payment_discrepancies_open', 'Contradictions of our ledger that no admin has closed', [
    'kind',
  ]);
  for (const kind of discrepancyKinds) open.set({ kind }, 0);
  return { open: (kind, count) => open.set({ kind }, count) };
}
