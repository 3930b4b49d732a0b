import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ask,
  authorizationAttacks,
  createVictim,
  eventually,
  genuineToken,
  revocationsOf,
  revokeAccess,
  revokedTokens,
  type TokenVictim,
} from '@shop/testing';
import { startTestService, type TestService } from '../test/test-service.js';

let test: TestService;
let victim: TokenVictim;

beforeAll(async () => {
  test = await startTestService();
  victim = createVictim(test.tokens, await test.register());
  await revokeAccess(test.config.brokerUrl, revocationsOf(victim));
  await eventually(async () => {
    for (const token of revokedTokens(victim)) expect(await outcome(`Bearer ${token}`)).toEqual(refusal);
  });
});
afterAll(() => test.stop());

const outcome = async (authorization: string | string[]) => {
  const { status, headers, body } = await ask(`${test.url}/api/v1/users/me`, { authorization });
  return { status, code: body.error?.code, challenge: headers['www-authenticate'] };
};
const refusal = { status: 401, code: 'UNAUTHORIZED', challenge: 'Bearer error="invalid_token"' };
/** RFC 6750: where no bearer's token came, there is none to find fault with. */
const refusalOf = (authorization: string | string[]) =>
  /^bearer\b/i.test([authorization].flat()[0] ?? '') ? refusal : { ...refusal, challenge: 'Bearer' };

describe('presented to user-service', () => {
  it('the token that attacks start from -> accepted', async () => {
    expect(await outcome(`Bearer ${genuineToken(victim)}`)).toMatchObject({ status: 200 });
  });

  it.each(authorizationAttacks.map(({ name, header }) => [name, header] as const))(
    '%s -> 401',
    async (_name, header) => {
      const sent = header(victim);
      expect(await outcome(sent)).toEqual(refusalOf(sent));
    },
  );

  it('the refresh token of a login -> 401', async () => {
    const { refreshToken } = await test.register();
    expect(await outcome(`Bearer ${refreshToken}`)).toEqual(refusal);
  });
});
