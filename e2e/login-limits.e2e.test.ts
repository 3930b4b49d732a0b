import { randomInt } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { sendRequest } from '@shop/testing/api-client';
import { register, urls, type Account, type Answer } from './support/system.js';

/** The tests come through a trusted proxy, as it were: each has an address of its own. */
const newAddress = () => `203.0.${randomInt(256)}.${randomInt(256)}`;

interface AuthTokens {
  data: Record<string, unknown> | null;
  errors?: { path: [string]; extensions: { code: string; retryAfter?: number } }[];
}

type Credentials = Pick<Account, 'email' | 'password'>;

/** Logins in one request, each under a name of its own. The first that fails is the last that is tried. */
async function logins(origin: string, credentials: readonly Credentials[], address: string): Promise<AuthTokens> {
  const fields = credentials.map(
    ({ email, password }, n) => `a${n}: login(input: { email: "${email}", password: "${password}" }) { token }`,
  );
  const { body }: Answer = await sendRequest(`${origin}/graphql`, {
    headers: { 'x-forwarded-for': address },
    body: { query: `mutation { ${fields.join(' ')} }` },
  });
  return body;
}

const outcomes = ({ errors = [] }: AuthTokens) => errors.map(({ path, extensions }) => [path[0], extensions.code]);

describe('logins over GraphQL', () => {
  it('wrong ones beside a right one -> each counts for the client’s own address; then RATE_LIMITED, with a time', async () => {
    const [own, victim] = [await register(), await register()];
    const address = newAddress();
    const guess = { email: victim.email, password: 'wrong password' };

    for (let n = 0; n < 10; n++) {
      expect(outcomes(await logins(urls.gateway, [own, guess], address))).toEqual([['a1', 'UNAUTHORIZED']]);
    }
    const refused = await logins(urls.gateway, [own, victim], address);

    expect(outcomes(refused)).toEqual([['a1', 'RATE_LIMITED']]);
    expect(refused.errors?.[0]?.extensions.retryAfter).toBeGreaterThan(60);
    expect(outcomes(await logins(urls.gateway, [victim], newAddress()))).toEqual([]);
  });

  it('through nginx -> the address that a client claims moves nothing', async () => {
    const { email } = await register();
    const answers: AuthTokens[] = [];
    for (let n = 0; n < 11; n++) {
      answers.push(await logins(urls.nginx, [{ email, password: 'wrong password' }], newAddress()));
    }
    expect(outcomes(answers[9]!)).toEqual([['a0', 'UNAUTHORIZED']]);
    expect(outcomes(answers[10]!)).toEqual([['a0', 'RATE_LIMITED']]);
  });
});
