/** How many times a provider's own time a charge may be on its way to it. */
export const CHARGE_PATIENCE = 12;

/** Milliseconds between two questions to a provider about the same charge or refund, at most. */
export const LONGEST_PAUSE = 10 * 60_000;
