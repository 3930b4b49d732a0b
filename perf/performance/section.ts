// A part of a performance run.
import { addressOf, type Shop } from '../../stack/demo/shop.ts';
import type { Output } from '../../stack/output.ts';
import { reachableHost, type Settings } from '../../stack/settings.ts';

export interface Scene {
  settings: Settings;
  shop: Shop;
  output: Output;
}

export interface Section {
  title: string;
  /** Writes its lines and resolves with the number of requests that failed. */
  run(scene: Scene): Promise<number>;
}

/** Where each process answers. */
export const originsOf = (settings: Settings) => ({
  ...addressOf(settings).origins,
  nginx: `http://${reachableHost(settings.host)}:${settings.ports.NGINX_PORT}`,
});

export const row = ([name = '', ...cells]: string[]): string =>
  name.padEnd(26) + cells.map((cell) => cell.padStart(10)).join('');
