import { describe, expect, it } from '@jest/globals';
import { bodyOf, buildOpenApi, described, ok, route, text } from '@shop/common/http';
import { DescribedFetch } from './described-fetch.js';

const things = route({
  method: 'PUT',
  path: '/:id',
  access: 'authenticated',
  operation: { id: 'putThing', summary: 'Put a thing', replies: { 200: { message: 'Put', data: null } }, errors: [] },
  body: bodyOf({ name: described(text({ max: 10 }), 'What it is called.', 'A name') }),
  handle: async () => ok('Put', null),
});
const document = buildOpenApi({ service: 'things', version: '1.2.3', routes: { '/api/v1/things': [things] } });

interface Given {
  path?: string;
  status?: number;
  headers?: Record<string, string>;
  body?: object | string;
}
const asDescribed = { success: true, message: 'Put', data: null };

/** The violations of one answer. */
async function violationsOf({ path = '/api/v1/things/1', status = 200, headers = {}, body = asDescribed }: Given) {
  const given = new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    status,
    headers: { 'X-Request-Id': 'a', 'Content-Type': 'application/json; charset=utf-8', ...headers },
  });
  const watched = new DescribedFetch(document, async () => given);
  const answer = await watched.fetch(`http://somewhere${path}?a=b`, { method: 'put' });
  expect(await answer.text()).toBe(typeof body === 'string' ? body : JSON.stringify(body));
  return watched.violations();
}

describe('answers to fetch, held against a description', () => {
  it('as it is described, or of a path that is not -> nothing to say', async () => {
    expect(await violationsOf({})).toEqual([]);
    expect(await violationsOf({ path: '/api/v1/things/1/' })).toEqual([]);
    expect(await violationsOf({ path: '/api/v1/others', status: 418, body: 'any' })).toEqual([]);
  });

  it.each<[string, Given, RegExp]>([
    ['a field more', { body: { ...asDescribed, more: 1 } }, /must NOT have additional properties/],
    ['a field less', { body: { success: true, message: 'Put' } }, /must have required property 'data'/],
    ['another message', { body: { ...asDescribed, message: 'Done' } }, /says "Done", not "Put"/],
    ['another status', { status: 207 }, /no such status is described/],
    ['another type of content', { headers: { 'Content-Type': 'text/html' } }, /text\/html is not described/],
    ['a header that is not as it should be', { status: 503, headers: { 'Retry-After': 'soon' } }, /Retry-After: soon/],
    ['an error of another code', { status: 503, body: { success: false } }, /must have required property/],
  ])('%s -> a violation', async (_name, given, fault) => {
    expect(await violationsOf(given)).toEqual([
      expect.stringMatching(new RegExp(`^PUT /api/v1/things/{id} -> \\d+: .*${fault.source}`)),
    ]);
  });

  it('without a header that has to be there -> a violation', async () => {
    const answer = Response.json(asDescribed);
    const watched = new DescribedFetch(document, async () => answer);
    await watched.fetch(new Request('http://somewhere/api/v1/things/1', { method: 'PUT' }));
    expect(await watched.violations()).toEqual(['PUT /api/v1/things/{id} -> 200: without X-Request-Id']);
  });

  it('an answer that is broken off -> left to the test', async () => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error('gone')) });
    const watched = new DescribedFetch(document, async () => new Response(body, { status: 207 }));
    await watched.fetch('http://somewhere/api/v1/things/1', { method: 'PUT' });
    expect(await watched.violations()).toEqual([]);
  });
});
