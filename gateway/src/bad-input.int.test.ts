import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  attack,
  badRequests,
  createTestBroker,
  createTestTokens,
  fuzzed,
  spread,
  type TestBroker,
} from '@shop/testing';
import { attackedOperations, attackedPages } from '../test/attacked-operations.js';
import { startTestGateway } from '../test/start-test-gateway.js';
import { startStandIn, type StandIn } from '../test/upstream.js';
import type { RunningGateway } from './container.js';
import { perService, serviceKeys, type ServiceKey } from './features.js';
import { buildSchema } from './schema.js';

/** The same requests in every run; `make test-security` takes others each time. */
const seed = 1;
const tokens = createTestTokens();
let broker: TestBroker;
const standIns = new Map<ServiceKey, StandIn>();
let gateway: RunningGateway;

beforeAll(async () => {
  broker = await createTestBroker();
  for (const key of serviceKeys) standIns.set(key, await startStandIn());
  gateway = await startTestGateway({
    tokens,
    brokerUrl: broker.url,
    serviceUrls: perService((key) => standIns.get(key)!.url),
    graphiqlEnabled: true,
  });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([...Array.from(standIns.values(), (standIn) => standIn.stop()), broker.stop()]);
});

it('a part of the corpus and random requests, from all operations and pages -> refused or taken in the form of the contract', async () => {
  const url = `http://127.0.0.1:${gateway.port}`;
  const operations = attackedOperations(buildSchema(), { Authorization: `Bearer ${tokens.tokenFor({})}` });
  const requests = [...badRequests(operations.slice(-1)), ...badRequests([...attackedPages, ...operations])];
  const random = fuzzed([...attackedPages, ...operations], { count: 300, seed });

  const failures = await attack(url, [...spread(requests, 400), ...random]);

  expect({ seed, failures }).toEqual({ seed, failures: [] });
  expect(operations.length).toBeGreaterThan(20);
  expect(((await (await fetch(`${url}/health`)).json()) as { status: string }).status).toBe('healthy');
});
