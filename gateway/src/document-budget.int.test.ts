import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import { aUser } from '../test/resources.js';
import { codes, createTestGateway, type GraphQLAnswer, type TestGateway } from '../test/test-gateway.js';
import type { DocumentLimits } from './document-budget.js';

/** Time for a document or two, and then none for minutes. */
const LITTLE = { quota: 1, window: 600_000 };
const MUCH = { quota: 1_000_000, window: 1_000 };

const known = '{ me { id } }';
let count = 0;
/** A query that nobody has asked before, and that takes its time. */
const unseen = (): string => {
  count++;
  return `{ me { id email role } } # ${count} ${'x'.repeat(5_000)}`;
};

let gateway: TestGateway;
const start = async (documentLimits: DocumentLimits): Promise<void> => {
  gateway = await createTestGateway({ documentLimits });
  gateway.users.on('GET /api/v1/users/me', () => ({ data: aUser() }));
};
const tokenOf = (id: string) => gateway.tokens.tokenFor({ id });

/** Asks what was not asked before, until that is refused. */
async function useUp(token: string): Promise<GraphQLAnswer> {
  for (let i = 0; i < 1_000; i++) {
    const answer = await gateway.ask(unseen(), { token });
    if (answer.errors) return answer;
  }
  throw new Error('never refused');
}

afterEach(() => gateway.stop());

describe('a client that has used up the time for new queries', () => {
  beforeEach(() => start({ perClient: LITTLE, inAll: MUCH }));

  it('another new one -> 429 RATE_LIMITED with Retry-After, and without a look at it', async () => {
    const token = tokenOf('0199a000-0000-7000-8000-000000000001');
    const { status, headers, errors } = await useUp(token);

    expect([status, errors]).toEqual([
      429,
      [{ message: 'Too many requests', extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } }],
    ]);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(codes(await gateway.ask('{ this is no query', { token }))).toEqual(['RATE_LIMITED']);
    expect(gateway.log).toEqual([]);
  });

  it('queries that are known -> answered', async () => {
    const token = tokenOf('0199a000-0000-7000-8000-000000000002');
    await gateway.ask(known, { token: tokenOf('0199a000-0000-7000-8000-000000000003') });
    await useUp(token);

    for (let i = 0; i < 5; i++) expect((await gateway.ask(known, { token })).errors).toBeUndefined();
  });

  it('a known query with a large body -> refused as well: its variables take time', async () => {
    const token = tokenOf('0199a000-0000-7000-8000-000000000004');
    await gateway.ask(known, { token: tokenOf('0199a000-0000-7000-8000-000000000005') });
    await useUp(token);

    expect(codes(await gateway.ask(known, { token, variables: { x: 'x'.repeat(20_000) } }))).toEqual(['RATE_LIMITED']);
  });

  it('others -> answered', async () => {
    await useUp(tokenOf('0199a000-0000-7000-8000-000000000006'));

    const other = await gateway.ask(unseen(), { token: tokenOf('0199a000-0000-7000-8000-000000000007') });
    expect(other.errors).toBeUndefined();
  });
});

describe('all clients together have used it up', () => {
  beforeEach(() => start({ perClient: MUCH, inAll: LITTLE }));

  it('a new query of anybody -> 503 SERVICE_UNAVAILABLE with Retry-After, no error in the log; known ones go on', async () => {
    const token = tokenOf('0199a000-0000-7000-8000-000000000008');
    await gateway.ask(known, { token });
    await useUp(token);

    const { status, headers, errors } = await gateway.ask(unseen(), {
      token: tokenOf('0199a000-0000-7000-8000-000000000009'),
    });
    expect([status, errors?.[0]?.extensions.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await gateway.ask(known, { token })).errors).toBeUndefined();
    expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('time that has passed', () => {
  beforeEach(() => start({ perClient: { quota: 20, window: 1_000 }, inAll: MUCH }));

  it('a client that waited -> has some again', async () => {
    const token = tokenOf('0199a000-0000-7000-8000-00000000000a');
    await useUp(token);

    await eventually(async () => expect((await gateway.ask(unseen(), { token })).errors).toBeUndefined());
    expect(await gateway.metrics.registry.metrics()).toMatch(
      /graphql_new_documents_refused_total\{limit="client"[^}]*\} [1-9]/,
    );
  });
});
