// What customers do: each story is one order's way, as its seed says.
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
const fates: Record<string, { weight: number; play: (scene: Scene) => Promise<void> }> = {
  paid: { weight: 25, play: pay },
  'paid by two clicks at once': {
    weight: 8,
    async play(scene) {
      await Promise.all([pay(scene), pay(scene)]);
    },
  },
  'declined, then paid anew': {
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
const weights = Object.fromEntries(Object.entries(fates).map(([name, { weight }]) => [name, weight]));

export interface StoryOptions {
  system: ChaosSystem;
  journal: Journal;
  /** Of the round: it names what its stories make. */
  seed: number;
  customers: Account[];
  admin: Account;
  gaveUp: () => boolean;
}

/** Plays one story. The number alone decides what it is about. */
export async function playStory(number: number, options: StoryOptions): Promise<void> {
  const { system, journal, seed, customers, admin, gaveUp } = options;
  const choices = new Choices(seed, 'story', number);
  const cardOf = (card: string) => system.providers.cardOf(card);
  const shop = new Shop({ urls: system.urls, journal, choices, story: `${seed}-${number}`, cardOf, gaveUp });
  const fate = choices.pickWeighted(weights);
  const isNewcomer = choices.chance(25);
  const known = customers[choices.integer(0, customers.length - 1)];
  const customer = isNewcomer ? await shop.register() : known;
  if (customer === undefined) return;
  const order = await shop.placeOrder(customer);
  if (order === undefined) return;
  const paymentId = await shop.findPayment(order, customer);
  if (paymentId === undefined) return;
  await fates[fate]?.play({ shop, choices, customer, admin, order, paymentId });
}

/** Plays one story after the other, several at a time, until it is stopped. */
export class Workload {
  readonly #options: Omit<StoryOptions, 'gaveUp'>;
  readonly #players: Promise<void>[];
  #stories = 0;
  #isEnding = false;
  #hasGivenUp = false;

  constructor(options: Omit<StoryOptions, 'gaveUp'>, { players, pause }: { players: number; pause: number }) {
    this.#options = options;
    this.#players = Array.from({ length: players }, () => this.#play(pause));
  }

  get stories(): number {
    return this.#stories;
  }

  /** Begins no further story, and resolves when the running ones have ended; after `grace` milliseconds they give up. */
  async end({ grace }: { grace: number }): Promise<void> {
    this.#isEnding = true;
    const timer = setTimeout(() => (this.#hasGivenUp = true), grace);
    await Promise.all(this.#players);
    clearTimeout(timer);
  }

  async #play(pause: number): Promise<void> {
    while (!this.#isEnding) {
      await playStory(++this.#stories, { ...this.#options, gaveUp: () => this.#hasGivenUp });
      await delay(pause);
    }
  }
}
