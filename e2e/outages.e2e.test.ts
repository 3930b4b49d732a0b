import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { timeLimit } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import { startStack, type RunningStack } from '../stack/start-stack.ts';
import { eventually, type Answer } from './support/system.js';

/** How long until a fault, or its end, is seen. */
const WITHIN = timeLimit(5_000);

let stack: RunningStack;
let running: RunningStack | undefined;
let token: string | undefined;
beforeAll(async () => {
  stack = await startStack({
    environment: { BCRYPT_COST: '4', LOG_LEVEL: 'warn' },
    postgresSettings: {}, // what is committed survives the kill
  });
  running = stack;
  const { body } = await ask(`${stack.urls.userService}/api/v1/users/register`, {
    email: 'user@example.com',
    password: 'password123',
    firstName: 'John',
    lastName: 'Doe',
  });
  token = body.data.token as string;
});
afterAll(() => running?.stop());

const ask = (url: string, body?: object): Promise<Answer> => sendRequest(url, { token, body });

const readiness = async (url: string) => {
  const { status, body } = await ask(`${url}/ready`);
  return { status, says: body.status, dependencies: body.dependencies };
};
const ready = { status: 200, says: 'ok' };

/** What /health answers from now on, until it is asked what that was. */
function watchHealth(url: string): { stop(): Promise<number[]> } {
  const stopped = new AbortController();
  const seen: number[] = [];
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      const { status } = await ask(`${url}/health`);
      seen.push(status);
      await delay(50);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      return seen;
    },
  };
}

describe('a database that is killed', () => {
  it.each([
    ['user', 'userService', '/api/v1/users/me'],
    ['order', 'orderService', '/api/v1/orders'],
    ['payment', 'paymentService', '/api/v1/payments'],
  ] as const)('%s -> its service lives, is not ready, answers 503; ready 5 s after its return', async (...where) => {
    const [name, service, path] = where;
    const url = stack.urls[service];
    const database = stack.process(`postgres-${name}`);
    await eventually(async () => expect(await readiness(url)).toMatchObject(ready));
    expect((await ask(url + path)).status).toBe(200);
    const health = watchHealth(url);
    let seen: number[];

    try {
      await database.kill();
      await eventually(
        async () => {
          expect(await readiness(url)).toMatchObject({
            status: 503,
            says: 'unavailable',
            dependencies: { database: 'down' },
          });
        },
        { timeout: WITHIN },
      );
      const { status, body } = await ask(url + path);
      expect([status, body.error.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);

      await database.start();
      await eventually(async () => expect((await readiness(url)).status).toBe(200), { timeout: WITHIN });
      expect((await ask(url + path)).status).toBe(200);
    } finally {
      await database.start();
      seen = await health.stop();
    }
    expect(new Set(seen)).toEqual(new Set([200]));
  });
});

describe('what the system can do without', () => {
  it('the broker is killed -> every process is ready, and says that it lacks it; all is well after its return', async () => {
    const { userService, orderService, paymentService, gateway } = stack.urls;
    const all = [userService, orderService, paymentService, gateway];
    const broker = stack.process('rabbitmq');

    await broker.kill();
    try {
      const degraded = { status: 200, says: 'degraded', dependencies: expect.objectContaining({ broker: 'down' }) };
      await eventually(
        async () => {
          expect(await Promise.all(all.map(readiness))).toEqual(all.map(() => expect.objectContaining(degraded)));
        },
        { timeout: WITHIN },
      );
    } finally {
      await broker.start();
    }

    await eventually(async () => {
      expect(await Promise.all(all.map(readiness))).toEqual(all.map(() => expect.objectContaining(ready)));
    });
  });

  it('a service is killed -> the gateway is ready, and says which; all is well after its return', async () => {
    const { gateway } = stack.urls;
    const service = stack.process('payment-service');

    await service.kill();
    try {
      await eventually(
        async () => {
          const dependencies = { 'user-service': 'up', 'order-service': 'up', 'payment-service': 'down', broker: 'up' };
          expect(await readiness(gateway)).toMatchObject({ status: 200, says: 'degraded', dependencies });
        },
        { timeout: WITHIN },
      );
    } finally {
      await service.start();
    }

    await eventually(async () => expect(await readiness(gateway)).toMatchObject(ready), { timeout: WITHIN });
  });
});
