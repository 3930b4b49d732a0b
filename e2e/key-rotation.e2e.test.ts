import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { jwkThumbprint } from '@shop/common/config';
import { createTestBroker, createTestDatabase, type TestBroker, type TestDatabase } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import { RollingService, type Environment, type Workspace } from './support/rolling-service.js';
import { settings, urls, type Answer } from './support/system.js';

/** Seconds. Long enough for a slow machine to use a token several times, short enough to wait for its end. */
const LIFETIME = 20;
/** A client gets itself a new token so many seconds before the old one ends, and sends none that ends so soon. */
const REFRESH_AHEAD = 12;
const SEND_AHEAD = 6;
const PAUSE = 50;

interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
  id: string;
}

function newKeyPair(): KeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...pair, id: jwkThumbprint(pair.publicKey) };
}
const [oldKey, newKey] = [newKeyPair(), newKeyPair()];

const privateSetting = ({ privateKey }: KeyPair): string =>
  privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
const publicSetting = (...pairs: readonly KeyPair[]): string =>
  pairs.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' }).toString('base64')).join(',');

const workspaces = ['user-service', 'order-service', 'payment-service', 'gateway'] as const;
let services: Record<Workspace, RollingService>;
let databases: Record<'user' | 'order' | 'payment', TestDatabase>;
let broker: TestBroker;

/** The settings of all processes. */
const environmentWith = (signing: KeyPair, ...verifying: readonly KeyPair[]): Environment => ({
  ...settings,
  USER_DATABASE_URL: databases.user.url,
  ORDER_DATABASE_URL: databases.order.url,
  PAYMENT_DATABASE_URL: databases.payment.url,
  SIMULATED_PROVIDER_DATABASE_URL: databases.payment.url,
  RABBITMQ_URL: broker.url,
  USER_SERVICE_URL: services['user-service'].url,
  ORDER_SERVICE_URL: services['order-service'].url,
  PAYMENT_SERVICE_URL: services['payment-service'].url,
  JWT_PRIVATE_KEY: privateSetting(signing),
  JWT_PUBLIC_KEYS: publicSetting(...verifying),
  JWT_EXPIRES_IN: `${LIFETIME}s`,
  UPSTREAM_TIMEOUT: '30s', // a slow machine refuses nobody
});

/** One after the other, as a careful operator does it. */
async function rollAll(environment: Environment): Promise<void> {
  for (const workspace of workspaces) await services[workspace].roll(environment);
}

beforeAll(async () => {
  // On the servers of the running system; nothing else of it is used.
  process.env.TEST_POSTGRES_URL = settings.USER_DATABASE_URL;
  const [user, order, payment] = await Promise.all(
    ['user-service', 'order-service', 'payment-service'].map((serviceDirectory) =>
      createTestDatabase({ serviceDirectory }),
    ),
  );
  databases = { user: user!, order: order!, payment: payment! };
  broker = await createTestBroker({ url: settings.RABBITMQ_URL ?? '', managementUrl: urls.rabbitmqManagement });
  const [users, orders, payments, gateway] = await Promise.all(
    workspaces.map((workspace) => RollingService.create(workspace)),
  );
  services = { 'user-service': users!, 'order-service': orders!, 'payment-service': payments!, gateway: gateway! };
});

afterAll(async () => {
  await Promise.all(Object.values(services).map((service) => service.stop()));
  await Promise.all([...Object.values(databases).map((database) => database.drop()), broker.stop()]);
});

const send = (url: string, token?: string, body?: object): Promise<Answer> => sendRequest(url, { token, body });

const targets = [...workspaces] as const;

/** What a known caller asks: one thing of each service, and all of them through the gateway. */
function askAs(token: string, target: Workspace): Promise<Answer> {
  const { url } = services[target];
  if (target !== 'gateway') {
    const list = { 'user-service': 'users/me', 'order-service': 'orders', 'payment-service': 'payments' }[target];
    return send(`${url}/api/v1/${list}`, token);
  }
  const query = '{ me { id } orders { data { id } } payments { data { id } } }';
  return send(`${url}/graphql`, token, { query });
}

const isAnswered = ({ status, body }: Answer): boolean => status === 200 && body.errors === undefined;

/** A client as it should be: it uses one token until shortly before its end, then exchanges its refresh token. */
class Client {
  /** What was not answered as it should be. */
  readonly refused: string[] = [];
  /** How often each was answered since `startCount`. */
  answered = new Map<string, number>();
  /** When the last token of the old key ends, in milliseconds. */
  oldTokensEnd = 0;
  keyOfToken = '';
  #pair: { token: string; refreshToken: string };
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(pair: { token: string; refreshToken: string }) {
    this.#pair = pair;
    this.#note(pair.token);
    this.#loops = [this.#keepRefreshing(), ...targets.map((target) => this.#keepAsking(target))];
  }

  startCount(): void {
    this.answered = new Map();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #keepAsking(target: Workspace): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (Date.now() > this.#endOf(this.#pair.token) - SEND_AHEAD * 1_000) {
        await delay(PAUSE);
        continue;
      }
      const { token } = this.#pair;
      const answer = await askAs(token, target);
      if (isAnswered(answer)) this.#count(target);
      else {
        const text = JSON.stringify(answer.body);
        // A slow machine may come to it only when it has ended.
        const hasEnded = Date.now() >= this.#endOf(token) && text.includes('Token has expired');
        if (!hasEnded) this.refused.push(`${target}: ${answer.status} ${text}`);
      }
      await delay(PAUSE);
    }
  }

  async #keepRefreshing(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await delay(PAUSE);
      if (Date.now() < this.#endOf(this.#pair.token) - REFRESH_AHEAD * 1_000) continue;
      const { refreshToken } = this.#pair;
      const answer = await send(`${services['user-service'].url}/api/v1/users/refresh`, undefined, { refreshToken });
      if (answer.status !== 200) {
        this.refused.push(`refresh: ${answer.status} ${JSON.stringify(answer.body)}`);
        return;
      }
      this.#pair = answer.body.data;
      this.#note(this.#pair.token);
      this.#count('refresh');
    }
  }

  #note(token: string): void {
    this.keyOfToken = jwt.decode(token, { complete: true })?.header.kid ?? '';
    if (this.keyOfToken === oldKey.id) this.oldTokensEnd = this.#endOf(token);
  }

  #endOf(token: string): number {
    return ((jwt.decode(token) as jwt.JwtPayload).exp ?? 0) * 1_000;
  }

  #count(what: string): void {
    this.answered.set(what, (this.answered.get(what) ?? 0) + 1);
  }
}

/** Until the client has been answered by all of them so often, in this phase. */
async function answeredBy(client: Client, times: number): Promise<void> {
  client.startCount();
  while (targets.some((target) => (client.answered.get(target) ?? 0) < times)) {
    expect(client.refused).toEqual([]);
    await delay(PAUSE);
  }
}

const publishedKeys = async (): Promise<string[]> => {
  const { body } = await send(`${services['user-service'].url}/.well-known/jwks.json`);
  return body.keys.map(({ kid }: { kid: string }) => kid);
};

describe('the key that signs access tokens', () => {
  it('is replaced under steady requests -> none is refused, and then the old key counts no more', async () => {
    await rollAll(environmentWith(oldKey, oldKey));
    const { body } = await send(`${services['user-service'].url}/api/v1/users/register`, undefined, {
      email: `${randomUUID()}@example.com`,
      password: 'password123',
      firstName: 'John',
      lastName: 'Doe',
    });
    const client = new Client(body.data);
    const claims = jwt.decode(body.data.token) as jwt.JwtPayload;
    /** What somebody can make who has got hold of the old key. */
    const stolen = (): string => {
      const iat = Math.floor(Date.now() / 1_000);
      const payload = { ...claims, jti: randomUUID(), iat, exp: iat + LIFETIME };
      return jwt.sign(payload, oldKey.privateKey, {
        algorithm: 'ES256',
        header: { alg: 'ES256', typ: 'at+jwt', kid: oldKey.id },
      });
    };
    try {
      await answeredBy(client, 10);
      expect(await publishedKeys()).toEqual([oldKey.id]);

      // 1. All know the new public key before anything is signed with it.
      client.startCount();
      await rollAll(environmentWith(oldKey, oldKey, newKey));
      await answeredBy(client, 10);
      expect(await publishedKeys()).toEqual([oldKey.id, newKey.id]);
      expect(client.keyOfToken).toBe(oldKey.id);

      // 2. user-service signs with it.
      await services['user-service'].roll(environmentWith(newKey, oldKey, newKey));
      while (client.keyOfToken === oldKey.id) {
        expect(client.refused).toEqual([]);
        await delay(PAUSE);
      }
      await answeredBy(client, 10);
      for (const target of targets) expect(isAnswered(await askAs(stolen(), target))).toBe(true);

      // 3. When the last token of the old key has ended, that key is dropped.
      while (Date.now() <= client.oldTokensEnd) await delay(PAUSE);
      await rollAll(environmentWith(newKey, newKey));
      await answeredBy(client, 10);
      expect(await publishedKeys()).toEqual([newKey.id]);
      for (const target of targets) {
        const answer = await askAs(stolen(), target);
        if (target === 'gateway') expect(answer.body.errors[0].extensions.code).toBe('UNAUTHORIZED');
        else expect([answer.status, answer.body.error.code]).toEqual([401, 'UNAUTHORIZED']);
      }
    } finally {
      await client.stop();
    }
    expect(client.refused).toEqual([]);
  });
});
