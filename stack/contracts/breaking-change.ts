/** A change of what is published that somebody must follow, or cease to work. */
export interface BreakingChange {
  /** Who has to follow it. */
  whom: string;
  what: string;
}
