import { InvalidInput } from '@shop/common/errors';
import { MoneyError, toMinorUnits } from '@shop/common/money';

/** An amount of the request in minor units of its currency. Throws InvalidInput that names `amount`. */
export function amountInMinorUnits(amount: number, currency: string, decimals?: number): bigint {
  try {
    return toMinorUnits(amount, currency, decimals);
  } catch (error) {
    if (error instanceof MoneyError) throw new InvalidInput([{ field: 'amount', message: error.message }]);
    throw error;
  }
}
