import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { aUser } from '../test/resources.js';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await createTestGateway();
});
beforeEach(() => {
  gateway.reset();
  gateway.users.on('GET /api/v1/users/me', () => ({ data: aUser() }));
});
afterAll(() => gateway.stop());

const get = async (query: string, headers: Record<string, string> = {}): Promise<Response> =>
  gateway.yoga.fetch(`http://gateway/graphql?query=${encodeURIComponent(query)}`, {
    headers: { accept: 'application/json', ...headers },
  });
const cacheControl = ({ headers }: Response): string | null => headers.get('cache-control');

describe('who may keep an answer', () => {
  it.each(['{ __typename }', '{ __schema { queryType { name } } }'])(
    'GET %s without credentials -> everybody, for five minutes, for this media type',
    async (query) => {
      const response = await get(query);

      expect(((await response.json()) as { errors?: unknown }).errors).toBeUndefined();
      expect(cacheControl(response)).toBe('public, max-age=240, stale-while-revalidate=60');
      expect(response.headers.get('vary')).toContain('Accept');
    },
  );

  it.each([
    ['the caller’s token', { authorization: 'Bearer TOKEN' }],
    ['a token that is none', { authorization: 'Bearer nonsense' }],
    ['a cookie', { cookie: 'a=b' }],
  ])('GET with %s -> nobody', async (_, { authorization, cookie }: { authorization?: string; cookie?: string }) => {
    const token = gateway.tokens.tokenFor({});
    const headers = {
      ...(authorization && { authorization: authorization.replace('TOKEN', token) }),
      ...(cookie && { cookie }),
    };

    expect(cacheControl(await get('{ __typename }', headers))).toBe('no-store');
  });

  it.each([
    ['what needs a login', '{ me { id } }'],
    ['a part that failed', '{ __typename order(id: "018f0000-0000-7000-8000-000000000000") { id } }'],
    ['a query that does not fit the schema', '{ nothing }'],
    ['a query that is none', '{'],
    ['a mutation, which GET can not carry', 'mutation { logout }'],
  ])('GET of %s -> nobody', async (_, query) => {
    const response = await get(query);

    expect(((await response.json()) as { errors?: unknown }).errors).toBeDefined();
    expect(cacheControl(response)).toBe('no-store');
  });

  it('POST -> nobody, whatever it asks', async () => {
    expect((await gateway.ask('{ __typename }')).headers.get('cache-control')).toBe('no-store');
  });
});
