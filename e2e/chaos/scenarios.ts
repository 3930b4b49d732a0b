// What customers do: each scenario is one order's way, as its seed says.
import { setTimeout as delay } from 'node:timers/promises';
import { Choices } from './choices.ts';
import { Shop, type Account, type Order } from './customer.ts';
import type { Journal } from './journal.ts';
import { inMajorUnits } from './money.ts';
import type { ChaosSystem } from './system.ts';

interface Scene {
  shop: Shop;
  choices: Choices;
  customer: Account;
  admin: Account;
  order: Order;
  paymentId: string;
}

const cards = {
  tok_visa: 6,
  tok_slow: 1,
  tok_timeout: 2,
  tok_error: 2,
  tok_webhookFirst: 1,
  tok_webhookTwice: 1,
  tok_webhookLate: 1,
};

const pay = ({ shop, choices, customer, paymentId }: Scene): Promise<void> =>
  shop.pay(paymentId, customer, choices.pickWeighted(cards));

/** What becomes of an order, and how often. */
const outcomes: Record<string, { weight: number; play: (scene: Scene) => Promise<void> }> = {
  paid: { weight: 25, play: pay },
  'paid by two clicks at once': {
    weight: 8,
    async play(scene) {
      await Promise.all([pay(scene), pay(scene)]);
    },
  },
  'declined, then paid again': {
    weight: 12,
    async play(scene) {
      const { shop, customer, order, paymentId } = scene;
      await shop.pay(paymentId, customer, 'tok_chargeDeclined');
      const another = await shop.openPayment(order, customer);
      if (another !== undefined) await pay({ ...scene, paymentId: another });
    },
  },
  declined: {
    weight: 4,
    play: ({ shop, customer, paymentId }) => shop.pay(paymentId, customer, 'tok_insufficientFunds'),
  },
  'cancelled unpaid': { weight: 8, play: ({ shop, customer, order }) => shop.cancel(order, customer) },
  'cancelled while being paid': {
    weight: 12,
    async play(scene) {
      const { shop, choices, customer, order } = scene;
      const wait = choices.integer(0, 60);
      await Promise.all([pay(scene), delay(wait).then(() => shop.cancel(order, customer))]);
    },
  },
  'paid, then cancelled': {
    weight: 12,
    async play(scene) {
      await pay(scene);
      await scene.shop.cancel(scene.order, scene.customer);
    },
  },
  'paid, then refunded bit by bit': {
    weight: 12,
    async play(scene) {
      const { shop, choices, admin, order, paymentId } = scene;
      await pay(scene);
      const part = inMajorUnits(choices.integer(1, 100), order.currency);
      if (choices.chance(50))
        await Promise.all([shop.refund(paymentId, admin, part), shop.refund(paymentId, admin, part)]);
      else await shop.refund(paymentId, admin, part);
      if (choices.chance(60)) await shop.refund(paymentId, admin);
    },
  },
  abandoned: { weight: 5, play: () => Promise.resolve() },
};
const weights = Object.fromEntries(Object.entries(outcomes).map(([name, { weight }]) => [name, weight]));

export interface ScenarioOptions {
  system: ChaosSystem;
  journal: Journal;
  /** Of the round: it names what its scenarios make. */
  seed: number;
  customers: Account[];
  admin: Account;
  gaveUp: () => boolean;
}

/** Plays one scenario. The number alone decides what it is about. */
export async function playScenario(number: number, options: ScenarioOptions): Promise<void> {
  const { system, journal, seed, customers, admin, gaveUp } = options;
  const choices = new Choices(seed, 'scenario', number);
  const cardOf = (card: string) => system.providers.cardOf(card);
  const shop = new Shop({ urls: system.urls, journal, choices, scenario: `${seed}-${number}`, cardOf, gaveUp });
  const outcome = choices.pickWeighted(weights);
  const isNewcomer = choices.chance(25);
  const known = customers[choices.integer(0, customers.length - 1)];
  const customer = isNewcomer ? await shop.register() : known;
  if (customer === undefined) return;
  const order = await shop.placeOrder(customer);
  if (order === undefined) return;
  const paymentId = await shop.findPayment(order, customer);
  if (paymentId === undefined) return;
  await outcomes[outcome]?.play({ shop, choices, customer, admin, order, paymentId });
}

/** Plays one scenario after the other, several at a time, until it is stopped. */
export class Workload {
  readonly #options: Omit<ScenarioOptions, 'gaveUp'>;
  readonly #players: Promise<void>[];
  #scenarios = 0;
  #isEnding = false;
  #hasGivenUp = false;

  constructor(options: Omit<ScenarioOptions, 'gaveUp'>, { players, pause }: { players: number; pause: number }) {
    this.#options = options;
    this.#players = Array.from({ length: players }, () => this.#play(pause));
  }

  get scenarios(): number {
    return this.#scenarios;
  }

  /** Begins no further scenario, and resolves when the running ones have ended; after `grace` milliseconds they give up. */
  async end({ grace }: { grace: number }): Promise<void> {
    this.#isEnding = true;
    const timer = setTimeout(() => (this.#hasGivenUp = true), grace);
    await Promise.all(this.#players);
    clearTimeout(timer);
  }

  async #play(pause: number): Promise<void> {
    while (!this.#isEnding) {
      await playScenario(++this.#scenarios, { ...this.#options, gaveUp: () => this.#hasGivenUp });
      await delay(pause);
    }
  }
}
