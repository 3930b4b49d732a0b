import { Agent, request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@shop/testing';
import { clearNginxCache } from '../stack/programs/nginx.ts';
import { startEdge, type Answer, type Edge } from './test/edge.ts';
import type { Call } from './test/scripted-upstream.ts';

let edge: Edge;
let unique = 0;
/** Longer than nginx's buffers are of themselves. */
const LONG = `/graphql?query=${'a'.repeat(6_000)}`;

/** A URL that no other test has asked for. */
const fresh = (): string => `/graphql?query=${unique++}`;
const cacheStatus = ({ headers }: Answer): unknown => headers['x-cache-status'];

beforeAll(async () => {
  edge = await startEdge();
});
beforeEach(() => {
  for (const upstream of [edge.gateway, edge.users, edge.orders, edge.payments]) {
    upstream.calls.length = 0;
  }
});
afterEach(() => edge.gateway.start().catch(() => undefined)); // a test may have stopped it
afterAll(() => edge.stop());

/** As the gateway says it of all that it calls public. */
const lengthOf = (text: string) => ({ 'content-length': String(text.length) });

/** Answers everybody with his own name, under the given headers. */
const answerBy = (headers: Record<string, string | string[]>, status = 200) => {
  for (const upstream of [edge.gateway, edge.users, edge.orders, edge.payments]) {
    upstream.respond(({ headers: { authorization, cookie } }: Call, response) => {
      const text = JSON.stringify({ for: authorization ?? cookie ?? 'nobody' });
      response.writeHead(status, { 'content-type': 'application/json', ...lengthOf(text), ...headers }).end(text);
    });
  }
};

const isPublic = { 'cache-control': 'public, max-age=60' };

describe('what is public', () => {
  it.each([
    '/',
    '/graphql',
    '/query',
    '/schema.graphql',
    '/asyncapi.json',
    '/docs/events',
    '/openapi.json',
    '/openapi/order-service.json',
    '/docs',
    '/graphql?query={__typename}',
    '/graphql?operationName=A&variables=%7B%7D',
    LONG,
  ])('%s asked twice -> one call of the gateway, and answers that say so', async (url) => {
    answerBy(isPublic);
    const statuses = [await edge.ask(url), await edge.ask(url), await edge.ask(url, { method: 'HEAD' })];
    expect(statuses.map(cacheStatus)).toEqual(['MISS', 'HIT', 'HIT']);
    expect(edge.gateway.calls).toHaveLength(1);
  });

  it('a hit -> an id of its own, or the client’s; nothing that was said to the first one', async () => {
    const url = fresh();
    answerBy({ ...isPublic, 'x-request-id': 'of-upstream', traceparent: '00-a-b-01', ratelimit: '"x";r=9' });

    const first = await edge.ask(url, { headers: { 'x-request-id': 'client-1' } });
    const second = await edge.ask(url);
    const third = await edge.ask(url, { headers: { 'x-request-id': 'client-3' } });

    expect(first.headers).toMatchObject({ 'x-request-id': 'client-1', traceparent: '00-a-b-01', ratelimit: '"x";r=9' });
    expect(edge.gateway.calls[0]!.headers['x-request-id']).toBe('client-1');
    expect(second.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(third.headers['x-request-id']).toBe('client-3');
    for (const hit of [second, third]) {
      expect(cacheStatus(hit)).toBe('HIT');
      expect(hit.rawHeaders.map((name) => name.toLowerCase())).not.toContain('traceparent');
      expect(hit.rawHeaders.map((name) => name.toLowerCase())).not.toContain('ratelimit');
    }
  });

  it('1,000 at once for what nobody has asked for yet -> one call of the gateway', async () => {
    const url = fresh();
    edge.gateway.respond((_call, response) => {
      setTimeout(() => response.writeHead(200, { ...isPublic, ...lengthOf('schema') }).end('schema'), 200);
    });

    const answers = await Promise.all(Array.from({ length: 1_000 }, () => edge.ask(url)));

    expect(answers.every(({ status, text }) => status === 200 && text === 'schema')).toBe(true);
    expect(edge.gateway.calls).toHaveLength(1);
    expect(new Set(answers.map(({ headers }) => headers['x-request-id'])).size).toBe(1_000);
  });

  it('for different media types -> kept apart', async () => {
    const url = fresh();
    edge.gateway.respond(({ headers }, response) => {
      const text = `as ${String(headers.accept)}`;
      response.writeHead(200, { ...isPublic, ...lengthOf(text), vary: 'Accept' }).end(text);
    });
    const as = async (accept: string) => (await edge.ask(url, { headers: { accept } })).text;

    expect(await as('text/html')).toBe('as text/html');
    expect(await as('application/json')).toBe('as application/json');
    expect(await as('text/html')).toBe('as text/html');
    expect(edge.gateway.calls).toHaveLength(2);
  });

  it('hashed assets -> immutable for a year to the browser, kept in each encoding', async () => {
    edge.gateway.respond(({ headers }, response) => {
      response.setHeader('vary', 'Accept-Encoding');
      response.setHeader('cache-control', 'public, max-age=31536000, immutable');
      response.end(`in ${String(headers['accept-encoding'] ?? 'plain')}`);
    });
    const inEncoding = (encoding: string) =>
      edge.ask('/graphiql/graphiql-0123.js', { headers: { 'accept-encoding': encoding } });

    for (const status of ['MISS', 'HIT']) {
      for (const [encoding, text] of [
        ['gzip, deflate, br', 'in br'],
        ['gzip', 'in gzip'],
        ['identity, br;q=0', 'in plain'],
      ] as const) {
        const answer = await inEncoding(encoding);
        expect([answer.text, cacheStatus(answer)]).toEqual([text, status]);
        expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      }
    }
  });

  it('its files are removed while nginx runs -> asked for again, and kept again', async () => {
    const url = fresh();
    answerBy(isPublic);
    await edge.ask(url);
    // nginx keeps an answer only once it has sent it.
    await eventually(() => expect(edge.cacheContent()).toContain(url));
    clearNginxCache(edge.directory);

    expect(edge.cacheContent()).toBe('');
    expect(cacheStatus(await edge.ask(url))).toBe('MISS');
    expect(cacheStatus(await edge.ask(url))).toBe('HIT');
  });
});

describe('somebody’s own answers', () => {
  const urls = [
    '/',
    '/graphql?query={me{id}}',
    '/query?query={me{id}}',
    '/graphiql/private.js',
    '/health',
    '/.well-known/jwks.json',
    '/api/v1/users/me',
    '/api/v1/orders',
    '/api/v1/payments',
  ];
  const cacheControls = [undefined, 'public, max-age=60', 'public, max-age=31536000, immutable'];

  describe.each(urls)('%s', (path) => {
    it.each(cacheControls)('Cache-Control %s -> each gets his own, and nothing of it is kept', async (control) => {
      answerBy(control === undefined ? {} : { 'cache-control': control });
      const url = path.includes('?') ? `${path}&operationName=${unique++}` : `${path}?${unique++}`;
      const asked = [
        ['Bearer alice', { authorization: 'Bearer alice' }],
        ['Bearer bob', { authorization: 'Bearer bob' }],
        ['session=alice', { cookie: 'session=alice' }],
        ['0', { authorization: '0' }],
        ['nobody', {}],
        ['Bearer alice', { authorization: 'Bearer alice' }],
      ] as const;
      for (const [who, headers] of asked) {
        const answer = await edge.ask(url, { headers });
        expect([answer.status, answer.text]).toEqual([200, `{"for":"${who}"}`]);
        if (who !== 'nobody') expect(cacheStatus(answer)).toBe('BYPASS');
      }
      expect(edge.cacheContent()).not.toMatch(/alice|bob/);
    });
  });

  it.each(['/graphql', '/api/v1/users/login'])(
    'POST to %s, long bodies that differ at their end -> each its own answer',
    async (url) => {
      for (const upstream of [edge.gateway, edge.users]) {
        upstream.respond(({ body }, response) => {
          response.writeHead(200, isPublic).end(body.subarray(-5));
        });
      }
      const start = 'x'.repeat(40_000);
      const answers = ['alice', '..bob', 'alice'].map(async (end) =>
        edge.ask(url, { method: 'POST', body: start + end }),
      );

      expect((await Promise.all(answers)).map((answer) => [answer.text, cacheStatus(answer)])).toEqual([
        ['alice', 'BYPASS'],
        ['..bob', 'BYPASS'],
        ['alice', 'BYPASS'],
      ]);
      expect(edge.cacheContent()).not.toContain('xxxxx');
    },
  );
});

describe('what is not kept', () => {
  it.each([
    ['an answer that says nothing', {}],
    ['private', { 'cache-control': 'private, max-age=60' }],
    ['no-store', { 'cache-control': 'public, no-store, max-age=60' }],
    ['a time, but not public', { 'cache-control': 'max-age=60' }],
    ['public, but no time', { 'cache-control': 'public' }],
    ['more than five minutes', { 'cache-control': 'public, max-age=301' }],
    ['minutes more while it is renewed', { 'cache-control': 'public, max-age=60, stale-while-revalidate=100' }],
    ['more than five minutes for proxies', { 'cache-control': 'public, max-age=60, s-maxage=3000' }],
    ['only an old header', { expires: 'Fri, 31 Dec 2999 23:59:59 GMT' }],
    ['nginx’s own header', { 'x-accel-expires': '60' }],
    ['a cookie', { ...isPublic, 'set-cookie': 'a=b' }],
    ['what varies by everything', { ...isPublic, vary: '*' }],
  ])('%s -> asked for each time', async (_, headers) => {
    const url = fresh();
    answerBy(headers);
    expect([await edge.ask(url), await edge.ask(url)].map(cacheStatus)).toEqual(['MISS', 'MISS']);
    expect(edge.gateway.calls).toHaveLength(2);
  });

  it.each([301, 400, 404, 410, 500, 503])(
    'status %d, even if it calls itself public -> asked for each time',
    async (status) => {
      const url = fresh();
      answerBy(isPublic, status);
      const answers = [await edge.ask(url), await edge.ask(url)];
      expect(answers.map((answer) => [answer.status, cacheStatus(answer)])).toEqual([
        [status, 'MISS'],
        [status, 'MISS'],
      ]);
    },
  );

  it.each([
    'token=abc',
    'query=a&access_token=abc',
    'query=a&variables={"password":"abc"}',
    'query=eyJhbGciOiJFUzI1NiJ9',
    'anything=abc',
    'query=a&query2=abc',
  ])('a URL that may hold a secret, ?%s -> neither kept nor written to disk', async (search) => {
    answerBy(isPublic);
    const url = `/graphql?${search.replaceAll('abc', 'my-secret').replaceAll('"', '%22')}`;
    expect([await edge.ask(url), await edge.ask(url)].map(cacheStatus)).toEqual(['BYPASS', 'BYPASS']);
    for (const path of ['/', '/graphiql/a.js']) await edge.ask(url.replace('/graphql', path)); // it means nothing there
    expect(edge.cacheContent()).not.toMatch(/my-secret|eyJ/);
  });
});

describe('who wants the disk full', () => {
  const HUNDRED = 100;
  const immutable = { 'cache-control': 'public, max-age=31536000, immutable', vary: 'Accept-Encoding' };
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

  it.each(['/graphiql/script-1.js', '/'])('%s with another query each time -> one call, without any', async (path) => {
    clearNginxCache(edge.directory);
    edge.gateway.respond((_call, response) => {
      response.writeHead(200, { ...(path === '/' ? isPublic : immutable), ...lengthOf('script') }).end('script');
    });
    const answers = await Promise.all(numbers(HUNDRED).map((i) => edge.ask(`${path}?query=${i}&v=${i}`)));
    expect(answers.every(({ status, text }) => status === 200 && text === 'script')).toBe(true);
    expect(edge.gateway.calls.map(({ url }) => url)).toEqual([path]);
  });

  it('a script with another spelling of Accept-Encoding each time -> one call for each encoding', async () => {
    edge.gateway.respond(
      (_call, response) => void response.writeHead(200, { ...immutable, ...lengthOf('s') }).end('s'),
    );
    const spelled = ['br', 'gzip', 'identity'].flatMap((encoding) => numbers(10).map((i) => `${encoding}, x-${i}`));
    for (const encoding of spelled) {
      await edge.ask('/graphiql/script-2.js', { headers: { 'accept-encoding': encoding } });
    }
    expect(edge.gateway.calls).toHaveLength(3);
  });

  it('clients that leave before the script is there -> it is fetched once, and no more than once', async () => {
    const script = 'x'.repeat(2_000_000);
    edge.gateway.respond((_call, response) => {
      response.writeHead(200, { ...immutable, ...lengthOf(script) });
      setTimeout(() => response.end(script), 200);
    });
    await Promise.all(
      numbers(HUNDRED).map(async (i) => {
        const { destroy, ended } = openAndLeave(edge.port, `/graphiql/script-3.js?query=${i}`);
        setTimeout(destroy, 50);
        await ended;
      }),
    );
    await eventually(async () => expect(cacheStatus(await edge.ask('/graphiql/script-3.js'))).toBe('HIT'));
    expect(edge.gateway.calls).toHaveLength(1);
    expect(edge.cacheBytes()).toBeLessThan(5_000_000);
  });

  it('3,000 queries of 99 kB, as fast as they are answered -> all answered, 100 MB kept at most; what others ask for stays', async () => {
    const text = 'x'.repeat(99_000);
    edge.gateway.respond(
      (_call, response) => void response.writeHead(200, { ...isPublic, ...lengthOf(text) }).end(text),
    );
    const schema = fresh();
    await edge.ask(schema);
    const agent = new Agent({ keepAlive: true, maxSockets: HUNDRED });
    let largest = 0;
    for (let round = 0; round < 30; round++) {
      const answers = await Promise.all(numbers(HUNDRED).map(() => edge.ask(fresh(), { agent })));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(cacheStatus(await edge.ask(schema))).toMatch(/^(HIT|EXPIRED)$/); // after a minute, on a slow machine: it was kept
      largest = Math.max(largest, edge.cacheBytes());
    }
    agent.destroy();
    expect(largest).toBeGreaterThan(50_000_000);
    expect(largest).toBeLessThan(100_000_000);
  });

  it.each([
    ['queries', '/graphql?query=held-'],
    ['names of scripts', '/graphiql/held-'],
  ])('more %s at a time than the cache has keys for -> each is answered', async (_, beginning) => {
    const moreThanKeys = 1_500;
    let release = (): void => undefined;
    const all = new Promise<void>((resolve) => (release = resolve));
    edge.gateway.respond((_call, response) => {
      if (edge.gateway.calls.length === moreThanKeys) release();
      void all.then(() => response.writeHead(200, { ...isPublic, ...lengthOf('s') }).end('s'));
    });
    const answers = await Promise.all(numbers(moreThanKeys).map((i) => edge.ask(`${beginning}${i}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it.each([
    ['100 kB and more', { 'content-length': '100000' }],
    ['of a length that nobody knows beforehand', {}],
  ])('an answer %s -> not kept', async (_, length) => {
    edge.gateway.respond((_call, response) => {
      response.writeHead(200, { ...isPublic, ...length }).end('x'.repeat(100_000));
    });
    const url = fresh();
    expect([await edge.ask(url), await edge.ask(url)].map(cacheStatus)).toEqual(['MISS', 'MISS']);
  });
});

/** A request whose client doesn't wait for its answer. */
function openAndLeave(port: number, path: string): { destroy: () => void; ended: Promise<void> } {
  const sent = request({ host: '127.0.0.1', port, path, agent: false });
  const ended = new Promise<void>((resolve) => sent.on('close', () => resolve()));
  sent.on('error', () => undefined); // it is the one who hangs up
  sent.end();
  return { destroy: () => sent.destroy(), ended };
}

describe('a gateway in trouble', () => {
  /** Has a URL's answer kept, for one second and what more is said. */
  const keep = async (url: string, more = '') => {
    answerBy({ 'cache-control': `public, max-age=1${more}` });
    await edge.ask(url);
    edge.gateway.calls.length = 0;
  };

  it('dead -> what is public is served stale, all else is 503 in JSON', async () => {
    const url = fresh();
    await keep(url);
    await edge.gateway.stop();

    await eventually(async () => expect(cacheStatus(await edge.ask(url))).toBe('STALE'));
    const stale = await edge.ask(url);
    expect([stale.status, stale.text]).toEqual([200, '{"for":"nobody"}']);

    for (const credential of ['authorization', 'cookie']) {
      const answer = await edge.ask(url, { headers: { [credential]: 'alice' } });
      expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    }
    expect((await edge.ask(fresh())).status).toBe(503);
  });

  it('failing -> what is public is served stale, and its failure is not kept', async () => {
    const url = fresh();
    await keep(url);
    answerBy(isPublic, 500);
    await eventually(async () => expect(cacheStatus(await edge.ask(url))).toMatch(/STALE|UPDATING/));
    expect((await edge.ask(url)).text).toBe('{"for":"nobody"}');
    answerBy({ 'cache-control': 'public, max-age=1', 'x-new': 'yes' });
    await eventually(async () => expect((await edge.ask(url)).headers['x-new']).toBe('yes'));
  });

  it('slow -> nobody waits: the old answer at once, the new one is fetched meanwhile, once', async () => {
    const url = fresh();
    await keep(url, ', stale-while-revalidate=60');
    let release: () => void = () => undefined;
    edge.gateway.respond((_call, response) => {
      release = () => void response.writeHead(200, { ...isPublic, ...lengthOf('new') }).end('new');
    });
    // nginx takes no further request on the connection that set the renewal off, until that is done.
    const ask = () => edge.ask(url, { agent: new Agent() });

    await eventually(async () => expect(cacheStatus(await ask())).toBe('STALE'));
    await eventually(async () => expect(edge.gateway.calls).toHaveLength(1));
    const meanwhile = await Promise.all(Array.from({ length: 20 }, ask));
    expect(meanwhile.every((answer) => answer.text === '{"for":"nobody"}' && cacheStatus(answer) === 'UPDATING')).toBe(
      true,
    );
    release();
    await eventually(async () => expect((await ask()).text).toBe('new'));
    expect(edge.gateway.calls).toHaveLength(1);
  });

  it.each(['', ', stale-while-revalidate=1'])(
    'what was public%s has become private -> soon nobody gets the old answer, and the new one is not kept',
    async (more) => {
      const url = fresh();
      await keep(url, more);
      answerBy({ 'cache-control': 'private', 'x-private': 'yes' });

      await eventually(async () => expect((await edge.ask(url)).headers['x-private']).toBe('yes'));
      expect((await edge.ask(url)).headers['x-private']).toBe('yes');
      expect(edge.cacheContent()).not.toContain('x-private');
    },
  );
});

describe('conditions', () => {
  const long = JSON.stringify({ text: 'alice '.repeat(1_000) });

  it('a reading of REST -> the service decides; its 304 comes through, and nothing is kept', async () => {
    edge.orders.respond(({ headers }, response) => {
      const own = { etag: '"3"', 'cache-control': 'no-store', vary: 'Origin' };
      if (headers['if-none-match']?.includes('"3"')) response.writeHead(304, own).end();
      else response.writeHead(200, { ...own, 'content-type': 'application/json' }).end(long);
    });
    const path = `/api/v1/orders/${unique++}`;
    const first = await edge.ask(path, { headers: { authorization: 'alice', 'accept-encoding': 'gzip' } });
    // Compressed, the tag is weak: what a client sends back is that one.
    expect([first.headers['content-encoding'], first.headers.etag]).toEqual(['gzip', 'W/"3"']);
    for (const authorization of ['alice', undefined]) {
      const headers = { 'if-none-match': 'W/"3"', ...(authorization && { authorization }) };
      const again = await edge.ask(path, { headers });
      expect([again.status, again.text]).toEqual([304, '']);
      expect(again.headers).toMatchObject({ etag: '"3"', 'cache-control': 'no-store', vary: 'Origin' });
      expect(again.headers).not.toHaveProperty('content-type');
    }
    expect(edge.orders.calls).toHaveLength(3);
    expect(edge.cacheContent()).not.toContain('alice');
  });

  it.each(['PUT', 'PATCH', 'DELETE'])(
    'a %s -> the service gets its If-Match, and its 412 comes through',
    async (method) => {
      edge.users.respond((_, response) => {
        response.writeHead(412, { 'content-type': 'application/json' }).end('{"mine":1}');
      });
      const headers = { authorization: 'alice', 'if-match': 'W/"3"', 'content-type': 'application/json' };
      const { status, text } = await edge.ask('/api/v1/users/1', { method, headers, body: '{}' });
      expect([status, text, edge.users.calls[0]?.headers['if-match']]).toEqual([412, '{"mine":1}', 'W/"3"']);
    },
  );
});
