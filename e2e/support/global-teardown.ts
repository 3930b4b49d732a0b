/** Stops the system that the set-up started. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.endToEndStack?.stop();
}
