import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, TIMEOUT, type TestDatabase } from '@shop/testing';
import { createTestClient } from '../../test/database/test-client.js';
import { DatabaseClock } from './index.js';

let database: TestDatabase;
let client: ReturnType<typeof createTestClient>['client'];

beforeAll(async () => {
  database = await createTestDatabase({ serviceDirectory: 'common/test/database' });
  ({ client } = createTestClient(database.url));
});
afterAll(async () => {
  await client.$disconnect();
  await database.drop();
});

/** A database whose clock is an hour ahead, and how often it was asked. */
function aheadByAnHour() {
  const standIn = {
    questions: 0,
    async $queryRaw<Rows>(): Promise<Rows> {
      standIn.questions += 1;
      const [{ now }] = await client.$queryRaw<[{ now: Date }]>`SELECT clock_timestamp() + interval '1 hour' AS now`;
      return [{ now }] as Rows;
    },
  };
  return standIn;
}

describe('the database clock', () => {
  it('a process whose clock differs -> the database is right', async () => {
    const clock = new DatabaseClock({ client: aheadByAnHour() });
    const ahead = (await clock.now()).getTime() - Date.now();
    expect(Math.abs(ahead - 3_600_000)).toBeLessThan(TIMEOUT);
  });

  it('asked often -> the database is asked once a second, and time goes on in between', async () => {
    const ahead = aheadByAnHour();
    let monotonic = 5_000;
    const clock = new DatabaseClock({ client: ahead, monotonic: () => monotonic });
    const [first] = await Promise.all([clock.now(), clock.now(), clock.now()]);
    monotonic += 900;
    expect((await clock.now()).getTime() - first.getTime()).toBe(900);
    expect(ahead.questions).toBe(1);
    monotonic += 200;
    await clock.now();
    expect(ahead.questions).toBe(2);
  });

  it('a slow first answer, a quick second one -> time never goes back, until it has caught up', async () => {
    let monotonic = 0;
    const answers = [
      { took: 400, databaseTime: 400 }, // it was read at the very end, and is taken for a time in the middle
      { took: 0, databaseTime: 1_201 },
    ];
    const $queryRaw = <Rows>(): Promise<Rows> => {
      const [{ took, databaseTime } = { took: 0, databaseTime: 0 }] = answers.splice(0, 1);
      monotonic += took;
      return Promise.resolve([{ now: new Date(databaseTime) }] as Rows);
    };
    const clock = new DatabaseClock({ client: { $queryRaw }, monotonic: () => monotonic });
    const times: number[] = [];
    for (const at of [0, 1_190, 1_201, 1_300, 1_500]) {
      monotonic = Math.max(monotonic, at);
      times.push((await clock.now()).getTime());
    }
    expect(times).toEqual([600, 1_390, 1_390, 1_390, 1_500]);
    expect(answers).toEqual([]);
  });

  it('the database is set back by more than a question takes -> followed', async () => {
    let monotonic = 0;
    const times = [7_200_000, 3_600_000];
    const $queryRaw = <Rows>(): Promise<Rows> => Promise.resolve([{ now: new Date(times.shift() ?? 0) }] as Rows);
    const clock = new DatabaseClock({ client: { $queryRaw }, monotonic: () => monotonic });
    await clock.now();
    monotonic += 1_001;
    expect((await clock.now()).getTime()).toBe(3_600_000);
  });

  it('the database can not be asked -> an error, and asked again the next time', async () => {
    let isDown = true;
    const ahead = aheadByAnHour();
    const clock = new DatabaseClock({
      client: { $queryRaw: () => (isDown ? Promise.reject(new Error('down')) : ahead.$queryRaw()) },
    });
    await expect(clock.now()).rejects.toThrow('down');
    isDown = false;
    await expect(clock.now()).resolves.toBeInstanceOf(Date);
  });
});
