import type {
  BegunCharge,
  Charge,
  ChargeRefund,
  NewCharge,
  PaymentProvider,
  RefundState,
  Succeeded,
} from '../payment-provider.js';

const referenceOf = (key: string): string => `manual_${key}`;
const received = ({ key, amount, currency }: Pick<Charge, 'key' | 'amount' | 'currency'>): Succeeded => ({
  outcome: 'succeeded',
  transactionId: referenceOf(key),
  amount,
  currency,
});

/**
 * Money that an admin takes and gives back by hand. That the admin says that it came is all there is to ask; that it has
 * gone back nobody has said yet, until an admin settles the refund.
 */
export class ManualProvider implements PaymentProvider {
  readonly name = 'manual';
  readonly referenceOf = referenceOf;

  beginCharge({ key }: NewCharge): Promise<BegunCharge> {
    return Promise.resolve({ outcome: 'begun', reference: referenceOf(key) });
  }

  confirmCharge(charge: Charge): Promise<Succeeded> {
    return Promise.resolve(received(charge));
  }

  findCharge(charge: Charge): Promise<Succeeded> {
    return Promise.resolve(received(charge));
  }

  cancelCharge(charge: Charge): Promise<Succeeded> {
    return Promise.resolve(received(charge));
  }

  refund({ amount, currency }: ChargeRefund): Promise<RefundState> {
    return Promise.resolve({ outcome: 'pending', amount, currency });
  }

  findRefund({ amount, currency }: ChargeRefund): Promise<RefundState> {
    return Promise.resolve({ outcome: 'pending', amount, currency });
  }
}
