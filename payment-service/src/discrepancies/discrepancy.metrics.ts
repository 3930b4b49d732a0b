import { discrepancyKinds, type DiscrepancyKind } from '@shop/common/contracts';
import type { Metrics } from '@shop/common/metrics';
import { Gauge } from 'prom-client';

export interface DiscrepancyMetrics {
  /** How many of a kind are open. */
  open(kind: DiscrepancyKind, count: number): void;
}

export function createDiscrepancyMetrics({ registry }: Metrics): DiscrepancyMetrics {
  const open = new Gauge({
    name: 'payment_discrepancies_open',
    help: 'Contradictions of our ledger that no admin has closed',
    labelNames: ['kind'],
    registers: [registry],
  });
  for (const kind of discrepancyKinds) open.set({ kind }, 0);
  return { open: (kind, count) => open.set({ kind }, count) };
}
