import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTcpProxy, timeLimit, type TcpProxy } from '@shop/testing';
import { startPrivateBroker, type PrivateBroker } from '../stack/test-broker.ts';
import { RollingService, type Workspace } from './support/rolling-service.js';
import { eventually, settings } from './support/system.js';

/** How long a process may say that all is well when it is not, and the other way round. */
const WITHIN = timeLimit(5_000);
const workspaces: readonly Workspace[] = ['user-service', 'order-service', 'payment-service', 'gateway'];

let broker: PrivateBroker;
let proxy: TcpProxy;
let services: RollingService[];

beforeAll(async () => {
  broker = await startPrivateBroker();
  proxy = await startTcpProxy(broker.url);
  services = await Promise.all(workspaces.map((workspace) => RollingService.create(workspace)));
  await Promise.all(services.map((service) => service.roll({ ...settings, RABBITMQ_URL: proxy.url })));
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await proxy.stop();
  await broker.stop();
});

/** What each process says of itself, and of what it needs the broker for. */
const readiness = () =>
  Promise.all(
    services.map(async ({ url }) => {
      const response = await fetch(`${url}/ready`);
      const { status, dependencies } = (await response.json()) as {
        status: string;
        dependencies: Record<string, string>;
      };
      return [response.status, status, dependencies.broker];
    }),
  );

const allSay = (answer: unknown[]) =>
  eventually(async () => expect(await readiness()).toEqual(workspaces.map(() => answer)), { timeout: WITHIN });
const well = [200, 'ok', 'up'];

const faults: [string, state: string, begin: () => unknown, end: () => unknown][] = [
  ['can’t be reached', 'down', () => proxy.cut(), () => proxy.mend()],
  ['freezes', 'down', () => broker.process.pause(), () => broker.process.resume()],
  [
    'runs short of memory',
    'blocked',
    () => broker.control('set_vm_memory_high_watermark', '0.00001'),
    () => broker.control('set_vm_memory_high_watermark', '0.6'),
  ],
];

describe('four processes that have nothing to do, and their broker', () => {
  it.each(faults)('%s -> each says %s within 5 s, and ok within 5 s of its return', async (_, state, begin, end) => {
    await allSay(well);
    await begin();
    try {
      await allSay([200, 'degraded', state]);
    } finally {
      await end();
    }
    await allSay(well);
  });
});
