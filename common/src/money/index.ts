export { currencies, currencyDecimals, findCurrencyDecimals, isCurrency } from './currency.js';
export { MAX_MINOR_UNITS, MoneyError, toMajorUnits, toMinorUnits } from './money.js';
