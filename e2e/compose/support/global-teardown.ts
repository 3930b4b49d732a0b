import { stack } from './docker.ts';

/** Removes all that the set-up started, the data too; the images stay. */
export default async function globalTeardown(): Promise<void> {
  if (!process.env.COMPOSE_PROJECT_NAME) return;
  await stack('down', '--volumes');
  await globalThis.composePorts?.release();
}
