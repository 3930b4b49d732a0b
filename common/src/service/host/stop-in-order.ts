/** Runs all steps one after the other, whatever becomes of each. Throws AggregateError with what went wrong. */
export async function stopInOrder(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'some parts did not stop cleanly');
}
