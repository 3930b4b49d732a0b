/**
 * ISO 4217, List One as published by its maintenance agency on 2026-09-17: https://www.six-group.com/dam/download/
 * financial-information/data-center/iso-currency/lists/list-one.xml. No library keeps up with it (the one that most
 * use has the list of June 2024), and none tells currencies that circulate from units of account.
 */
const circulating: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
      CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
      KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
      NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
      TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
};

/** Retired currencies and funds codes that were taken once: what was written in them stays readable. */
const notTakenAnyMore: Readonly<Record<number, string>> = {
  0: 'UYI',
  2: 'ANG BGN BOV CHE CHW COU CUC HRK MXV SLL USN ZWL',
  4: 'CLF UYW',
};

const decimalsByCode = (lists: Readonly<Record<number, string>>): (readonly [string, number])[] =>
  Object.entries(lists).flatMap(([decimals, codes]) =>
    codes.split(/\s+/).map((code) => [code, Number(decimals)] as const),
  );

const current: ReadonlyMap<string, number> = new Map(decimalsByCode(circulating));
const known: ReadonlyMap<string, number> = new Map([...current, ...decimalsByCode(notTakenAnyMore)]);

/** The codes of the currencies that circulate today. */
export const currencies: readonly string[] = [...current.keys()];

/** Whether `code`, in upper case, is of a currency that circulates today: no funds code, metal, test code or retired one. */
export function isCurrency(code: string): boolean {
  return current.has(code);
}

/** As `currencyDecimals`; undefined where the code is unknown, as of a later version. */
export const findCurrencyDecimals = (code: string): number | undefined => known.get(code);

/**
 * Decimals of a currency's minor unit by ISO 4217: USD 2, JPY 0, KWD 3; of currencies that are retired too. Throws
 * RangeError on an unknown code.
 */
export function currencyDecimals(code: string): number {
  const decimals = known.get(code);
  if (decimals === undefined) throw new RangeError(`unknown currency ${code}`);
  return decimals;
}
