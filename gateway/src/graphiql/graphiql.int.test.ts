import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listen, type HttpServer } from '@shop/common/http';
import express from 'express';
import { parse, validate } from 'graphql';
import { browse } from '../../test/browse.js';
import { buildSchema } from '../schema.js';
import { graphiqlRouter } from './graphiql.js';
import { tabs } from './tabs.js';

let server: HttpServer;
let base: string;

beforeAll(async () => {
  server = await listen(express().use(await graphiqlRouter(['/', '/graphql'])), { host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${server.port}`;
});
afterAll(() => server.stop(0));

describe('the page', () => {
  it.each(['/', '/graphql'])('a browser at %s -> the page, which loads nothing from elsewhere', async (path) => {
    const { status, headers, body } = await browse(base + path);

    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['cache-control']).toBe('public, max-age=240, stale-while-revalidate=60');
    expect(headers.vary).toContain('Accept');
    expect(body.toString().match(/(src|href)="(?!\/graphiql\/|data:)/)).toBeNull();
  });

  it('its policy -> scripts from here alone, none inline, and the workers of its editor', async () => {
    const { headers } = await browse(base);

    expect(String(headers['content-security-policy']).split(';')).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", 'worker-src blob:', "connect-src 'self'"]),
    );
  });

  it.each(tabs.map(({ query }) => [query.split(' {')[0]!, query]))('its tab "%s" -> fits the schema', (_, query) => {
    expect(validate(buildSchema(), parse(query))).toEqual([]);
  });

  it.each(['*/*', 'application/json, */*;q=0.1', 'application/json, text/html;q=0.5'])(
    'a client at / that takes %s -> the page; at /graphql it is for browsers',
    async (accept) => {
      const { status, headers } = await browse(base, { accept });

      expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(headers['cache-control']).toBe('public, max-age=240, stale-while-revalidate=60');
      expect((await browse(`${base}/graphql`, { accept: '*/*' })).status).toBe(404);
    },
  );

  it.each(['application/json', 'text/html;q=0, */*'])('a client that takes %s -> not the page', async (accept) => {
    const { status, headers } = await browse(base, { accept });

    expect(status).toBe(404);
    expect(headers.vary).toContain('Accept');
  });
});

describe('its script and style', () => {
  it.each([
    ['js', 'text/javascript; charset=utf-8'],
    ['css', 'text/css; charset=utf-8'],
  ])('%s -> compressed as the browser likes, and never asked for again', async (type, contentType) => {
    const html = (await browse(base)).body.toString();
    const path = new RegExp(`"(/graphiql/graphiql-[0-9a-f]{16}\\.${type})"`).exec(html)![1]!;

    const brotli = await browse(base + path, { 'accept-encoding': 'gzip, deflate, br' });
    const gzip = await browse(base + path, { 'accept-encoding': 'gzip' });
    const plain = await browse(base + path, { 'accept-encoding': 'identity' });

    expect([brotli, gzip, plain].map(({ headers }) => headers['content-encoding'])).toEqual(['br', 'gzip', undefined]);
    for (const { headers } of [brotli, gzip, plain]) {
      expect(headers['content-type']).toBe(contentType);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers.vary).toContain('Accept-Encoding');
    }
    expect(brotli.body.length).toBeLessThan(plain.body.length / 2);
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
  });
});
