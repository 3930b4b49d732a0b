// Disturbs a deployment under load, and says what was lost: `node stack/kubernetes/disturbances.ts CONTEXT NAMESPACE URL`.
// Requests are counted while nginx, the gateway and the services are replaced, deleted, moved and scaled: none may fail.
// A database or the broker of one replica may be away for a moment; no order that was accepted may stay without its payment.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { laptop, type Account, type Shop } from '../demo/shop.ts';
import { messageOf, StackError } from '../errors.ts';
import type { Output } from '../output.ts';
import { runMain } from '../run-main.ts';
import { shopAt } from './scenario.ts';

/** One request a client each so many milliseconds: within nginx's limit of 1000 a minute for one address. */
const clients = 3;
const pause = 600;
const settlingTimeout = 180_000;
const applications = ['nginx', 'gateway', 'user-service', 'order-service', 'payment-service'];

interface Place {
  context: string;
  namespace: string;
}

const run = promisify(execFile);

async function kubectl({ context, namespace }: Place, ...words: string[]): Promise<string> {
  try {
    const { stdout } = await run('kubectl', ['--context', context, '--namespace', namespace, ...words]);
    return stdout.trim();
  } catch (error) {
    throw new StackError(`kubectl ${words.join(' ')}: ${messageOf(error)}`, { cause: error });
  }
}

/** Customers who place orders and look at them, one after another. */
class Load {
  readonly #shop: Shop;
  readonly #customer: Account;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>[];
  readonly orders: string[] = [];
  requests = 0;
  failures: string[] = [];

  constructor(shop: Shop, customer: Account) {
    this.#shop = shop;
    this.#customer = customer;
    this.#running = Array.from({ length: clients }, () => this.#use());
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#running);
  }

  async #use(): Promise<void> {
    let latest: string | undefined;
    while (!this.#stopped.signal.aborted) {
      const known = latest;
      latest = await this.#count(() => this.#placeOrder());
      if (known !== undefined) await this.#count(() => this.#shop.getOrder(this.#customer, known));
      await this.#count(() => this.#shop.graphql('{ me { id } }', { token: this.#customer.token }));
      await delay(pause);
    }
  }

  async #placeOrder(): Promise<string> {
    const { id } = await this.#shop.placeOrder(this.#customer, [laptop], randomUUID());
    this.orders.push(id);
    return id;
  }

  async #count<T>(ask: () => Promise<T>): Promise<T | undefined> {
    this.requests += 1;
    try {
      return await ask();
    } catch (error) {
      this.failures.push(messageOf(error));
      return undefined;
    }
  }
}

/** Rolls all out, and waits until each is whole again. */
async function settled(place: Place, kind: 'deployment' | 'statefulset', names: string[]): Promise<void> {
  for (const name of names) await kubectl(place, 'rollout', 'status', `${kind}/${name}`, '--timeout', '5m');
}

interface Disturbance {
  name: string;
  /** Whether a request may fail meanwhile. */
  mayFail: boolean;
  disturb: () => Promise<void>;
}

async function disturbancesOf(place: Place): Promise<Disturbance[]> {
  const sets = (await kubectl(place, 'get', 'statefulset', '--output', 'jsonpath={.items[*].metadata.name}')).split(
    ' ',
  );
  const nodes = (await kubectl(place, 'get', 'nodes', '--output', 'jsonpath={.items[*].metadata.name}')).split(' ');
  const scale = async (count: number) => {
    for (const name of applications) await kubectl(place, 'scale', `deployment/${name}`, '--replicas', String(count));
    await settled(place, 'deployment', applications);
  };
  const deletePod = (name: string) => async () => {
    const selector = `app.kubernetes.io/name=${name}`;
    const pod = await kubectl(
      place,
      'get',
      'pod',
      '--selector',
      selector,
      '--output',
      'jsonpath={.items[0].metadata.name}',
    );
    await kubectl(place, 'delete', 'pod', pod, '--wait=true');
    await settled(place, sets.includes(name) ? 'statefulset' : 'deployment', [name]);
  };
  const drain = async () => {
    const [node = ''] = nodes;
    try {
      await kubectl(place, 'drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout', '5m');
    } finally {
      await kubectl(place, 'uncordon', node);
    }
    await settled(place, 'deployment', applications);
  };
  return [
    {
      name: 'rolling update of everything',
      mayFail: false,
      disturb: async () => {
        for (const name of applications) await kubectl(place, 'rollout', 'restart', `deployment/${name}`);
        await settled(place, 'deployment', applications);
      },
    },
    { name: 'scaled to 3', mayFail: false, disturb: () => scale(3) },
    { name: 'scaled to 2', mayFail: false, disturb: () => scale(2) },
    ...applications.map((name) => ({ name: `a pod of ${name} deleted`, mayFail: false, disturb: deletePod(name) })),
    ...sets
      .filter(Boolean)
      .map((name) => ({ name: `the pod of ${name} deleted`, mayFail: true, disturb: deletePod(name) })),
    // Its databases have one replica each, and their volumes may belong to the node.
    ...(nodes.length > 1 ? [{ name: 'a node drained', mayFail: true, disturb: drain }] : []),
  ];
}

async function disturb([context = '', namespace = '', url = '']: string[], output: Output): Promise<number> {
  const place = { context, namespace };
  const shop = shopAt(url);
  const customer = await shop.register(`load-${randomUUID()}@example.com`, ['Load', 'Test']);
  const load = new Load(shop, customer);
  let lost = 0;
  try {
    for (const { name, mayFail, disturb } of await disturbancesOf(place)) {
      const [requests, start] = [load.requests, Date.now()];
      load.failures = [];
      await output.during(name, disturb);
      await delay(2 * pause);
      const { failures } = load;
      const seconds = Math.round((Date.now() - start) / 1_000);
      output.result(`${name}: ${failures.length} of ${load.requests - requests} requests failed, ${seconds} s`);
      if (!mayFail) lost += failures.length;
      for (const failure of new Set(failures.slice(0, 20))) output.result(`  ${failure.split('\n')[0]}`);
    }
  } finally {
    await load.stop();
  }
  const missing = await output.during('payments of all orders', () => withoutPayment(shop, customer, load.orders));
  output.result(`${load.orders.length} orders were accepted, ${missing} of them have no payment`);
  return lost + missing > 0 ? 1 : 0;
}

/** How many orders still have no payment, that is whose event was lost, when there was time enough. */
async function withoutPayment(shop: Shop, customer: Account, orders: string[]): Promise<number> {
  const deadline = Date.now() + settlingTimeout;
  let open = orders;
  for (;;) {
    const still: string[] = [];
    for (const id of open) {
      const params = { path: { orderId: id } };
      const { response } = await shop.as(customer).payments.GET('/api/v1/payments/order/{orderId}', { params });
      if (response.status !== 200) still.push(id);
      await delay(pause / clients); // nginx's limit
    }
    open = still;
    if (open.length === 0 || Date.now() > deadline) return open.length;
  }
}

await runMain((output) => disturb(process.argv.slice(2), output));
