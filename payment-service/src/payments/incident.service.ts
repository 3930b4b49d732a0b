import { toMajorUnits } from '@shop/common/money';
import { contradiction, type ContradictionSubject } from '../discrepancies/contradiction.js';
import type { DiscrepancyDraft } from '../discrepancies/discrepancy.js';
import type { DiscrepancyService } from '../discrepancies/discrepancy.service.js';
import type { Incident } from '../providers/webhook-reader.js';
import type { PaymentRepository } from './payment.repository.js';

export interface IncidentServiceOptions {
  payments: Pick<PaymentRepository, 'findByTransaction'>;
  discrepancies: Pick<DiscrepancyService, 'record'>;
}

/** Money that moved at a provider without our asking: disputes, and refunds that somebody made there. */
export class IncidentService {
  readonly #options: IncidentServiceOptions;

  constructor(options: IncidentServiceOptions) {
    this.#options = options;
  }

  /** Without effect where the transaction is none of ours. */
  async note(provider: string, incident: Incident): Promise<void> {
    const { payments, discrepancies } = this.#options;
    const payment = await payments.findByTransaction(provider, incident.transactionId);
    if (payment === undefined) return;
    const { id: paymentId, orderId } = payment;
    const { reference } = incident;
    await discrepancies.record(discrepancyOf(incident, { provider, reference, orderId, paymentId }));
  }
}

function discrepancyOf(incident: Incident, subject: ContradictionSubject): DiscrepancyDraft {
  const { amount, currency, currencyDecimals, reference: transactionId } = incident;
  if (incident.kind === 'refund_at_provider') {
    const theirs = { outcome: 'succeeded', transactionId, amount, currency, currencyDecimals } as const;
    return contradiction('refund_at_provider', subject, { ours: undefined, theirs });
  }
  const details = { amount: toMajorUnits(amount, currencyDecimals), currency, reason: incident.reason };
  return { kind: 'dispute', ...subject, details };
}
