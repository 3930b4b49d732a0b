// The currencies that are paid with here, and their decimals.
const decimals: Record<string, number> = { USD: 2, JPY: 0, KWD: 3 };

export const inMajorUnits = (minor: number, currency: string): number => minor / 10 ** (decimals[currency] ?? 2);
