import { toMajorUnits } from '@shop/common/money';
import type { DiscrepancyDetails } from '../discrepancies/discrepancy.js';
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
  async note(provider: string, { kind, transactionId, reference, reason, amount, currency }: Incident): Promise<void> {
    const { payments, discrepancies } = this.#options;
    const payment = await payments.findByTransaction(provider, transactionId);
    if (payment === undefined) return;
    const { id: paymentId, orderId, currencyDecimals } = payment;
    // A provider that names another currency than the payment's is taken at its word, in the minor units that it said.
    const moved = currency === payment.currency ? toMajorUnits(amount, currencyDecimals) : Number(amount);
    const details: DiscrepancyDetails =
      kind === 'refund_at_provider'
        ? // As the comparison of the books finds it, so that one that was closed is not opened again by it.
          { ours: null, theirs: `${moved} ${currency} ${reason}`, transactionId: reference }
        : { amount: moved, currency, reason };
    await discrepancies.record({ kind, provider, reference, orderId, paymentId, details });
  }
}
