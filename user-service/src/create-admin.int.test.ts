import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '../test/test-service.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

/** Runs the tool from its source; the password comes by standard input. */
async function createAdmin(email: string, password: string) {
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', 'src/create-admin.ts', '--email', email],
    {
      cwd: path.join(import.meta.dirname, '..'),
      env: { PATH: process.env.PATH, USER_DATABASE_URL: test.config.databaseUrl, BCRYPT_COST: '4' },
    },
  );
  child.stdin.end(`${password}\n`);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, out, err };
}

describe('create-admin', () => {
  it('an address and a password -> an admin who can log in, with its event and its entry in the audit trail', async () => {
    expect(await createAdmin(' Grace@Example.com ', 'correct horse')).toEqual({
      code: 0,
      out: 'admin grace@example.com created\n',
      err: '',
    });
    const grace = await test.login({ email: 'grace@example.com', password: 'correct horse' });
    expect(grace.user.role).toBe('admin');
    expect((await test.eventsOf(grace.id)).map(({ type }) => type)).toEqual(['user.created']);
    const entries = await test.query('SELECT action, actor_id FROM audit_trail WHERE subject_id = $1', [grace.id]);
    expect(entries).toContainEqual({ action: 'user.registered', actor_id: null });
  });

  it('an address that is taken -> nothing is changed', async () => {
    const { email } = await test.register();
    expect(await createAdmin(email, 'correct horse')).toEqual({
      code: 1,
      out: '',
      err: 'not created: A user with this email already exists\n',
    });
    const [{ role } = {}] = await test.query<{ role: string }>('SELECT role FROM users WHERE email = $1', [email]);
    expect(role).toBe('user');
  });

  it.each([
    ['not an address', 'nobody', 'correct horse', 'email: Invalid email format\n'],
    ['a short password', 'new@example.com', 'short', 'password: must have 8 to 72 bytes\n'],
  ])('%s -> refused', async (_case, email, password, err) => {
    expect(await createAdmin(email, password)).toEqual({ code: 1, out: '', err });
  });
});
