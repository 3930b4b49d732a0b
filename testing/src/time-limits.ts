/**
 * Milliseconds that tests wait for what must come. A machine at rest needs a small part of them; one that is busy with other
 * things must not fail a test for that.
 */
export const TIMEOUT = 120_000;

/**
 * What was promised to happen within so many milliseconds. Checked with ASSERT_TIMES=1, on a machine that is at rest
 * (`npm run test:times`); otherwise only that it happens.
 */
export const timeLimit = (milliseconds: number): number =>
  process.env.ASSERT_TIMES === '1' ? milliseconds : Math.max(milliseconds, TIMEOUT);
