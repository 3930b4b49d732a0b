// A part of a performance run.
import type { Shop } from '../../stack/demo/shop.ts';
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
export function originsOf({ host, ports }: Settings) {
  const at = (port: number): string => `http://${reachableHost(host)}:${port}`;
  return {
    nginx: at(ports.NGINX_PORT),
    gateway: at(ports.GATEWAY_PORT),
    users: at(ports.USER_SERVICE_PORT),
    orders: at(ports.ORDER_SERVICE_PORT),
    payments: at(ports.PAYMENT_SERVICE_PORT),
  };
}

export const row = ([name = '', ...cells]: string[]): string =>
  name.padEnd(26) + cells.map((cell) => cell.padStart(10)).join('');
