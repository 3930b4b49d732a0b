import type { DiscrepancyKind } from '@shop/common/contracts';

/** Small facts that an admin needs: amounts in major units. Nothing that a customer wrote. */
export type DiscrepancyDetails = Readonly<Record<string, string | number | boolean | null>>;

/** Something that contradicts our ledger, about at least one thing that can be named. */
export interface DiscrepancyDraft {
  readonly kind: DiscrepancyKind;
  /** Whose ledger contradicts ours; null: no provider's. */
  readonly provider: string | null;
  /** The provider's own name for what it is about, such as a dispute; null: the ids below say enough. */
  readonly reference?: string | null;
  readonly orderId?: string | null;
  readonly paymentId?: string | null;
  readonly refundId?: string | null;
  readonly details?: DiscrepancyDetails;
}

/** A discrepancy that was recorded; it stays until an admin closes it. */
export interface Discrepancy {
  readonly id: string;
  readonly kind: DiscrepancyKind;
  readonly provider: string | null;
  readonly reference: string | null;
  readonly orderId: string | null;
  readonly paymentId: string | null;
  readonly refundId: string | null;
  readonly details: DiscrepancyDetails;
  readonly occurrences: number;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly closedAt: Date | null;
  readonly closedBy: string | null;
  readonly note: string | null;
}

/** The same for each sight of the same discrepancy. */
export function keyOf({ kind, provider, reference, refundId, paymentId, orderId }: DiscrepancyDraft): string {
  const subject = reference ?? refundId ?? paymentId ?? orderId;
  if (!subject) throw new Error(`a discrepancy of kind ${kind} about nothing`);
  return [kind, provider ?? '', subject].join('/');
}
