import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { registration, startTestService, type TestService } from '../../test/test-service.js';

let test: TestService;
beforeAll(async () => {
  test = await startTestService();
  await test.query(`
    CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(6); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION take_long()`);
});
afterAll(() => test.stop());

it('its first login takes longer than the transaction may -> 503, nothing of it is there, and its address is free', async () => {
  const account = registration();
  const { body } = await test.anybody.post('/register', account).expect(503);
  expect(body.error.code).toBe('SERVICE_UNAVAILABLE');
  expect(await test.query('SELECT FROM users WHERE email = $1', [account.email])).toEqual([]);
  expect(await test.query('SELECT FROM sessions')).toEqual([]);
  await test.query('DROP TRIGGER slow ON sessions');
  await test.anybody.post('/register', account).expect(201);
});
