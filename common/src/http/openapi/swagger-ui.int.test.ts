import { get } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { baseApp } from '../service-app.js';
import { listen, type HttpServer } from '../http-server.js';
import { swaggerUi } from './swagger-ui.js';

let server: HttpServer;

beforeAll(async () => {
  const app = baseApp().use(swaggerUi([{ name: '</script>', url: '/openapi.json' }]));
  server = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(() => server.stop(0));

/** Byte for byte: fetch would unpack it. */
const browse = (path: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; body: Buffer }>(
    (resolve, reject) => {
      get(`http://127.0.0.1:${server.port}${path}`, { headers }, (response) => {
        const { statusCode: status, headers: answered } = response;
        buffer(response).then((body) => resolve({ status, headers: answered, body }), reject);
      }).on('error', reject);
    },
  );

describe('Swagger UI at /docs', () => {
  it('the page -> loads nothing from elsewhere, runs nothing inline, and can send to nobody else', async () => {
    const { status, headers, body } = await browse('/docs');

    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(String(headers['content-security-policy']).split(';')).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "connect-src 'self'"]),
    );
    expect(body.toString().match(/(src|href)="(?!\/docs\/|data:)/)).toBeNull();
    expect(body.toString().match(/<script(?! defer src=| id="options" type="application\/json")/)).toBeNull();
    expect(body.toString()).not.toContain('"</script>');
  });

  it('each of its files -> compressed as the browser likes, and never asked for again', async () => {
    const page = (await browse('/docs')).body.toString();
    const files = Array.from(page.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g), ([, file = '']) => file);
    expect(files.map((file) => file.split('/').at(-1))).toEqual([
      'swagger-ui.css',
      'swagger-ui-bundle.js',
      'swagger-ui-standalone-preset.js',
      'start.js',
    ]);
    for (const file of files) {
      const plain = await browse(file);
      const brotli = await browse(file, { 'accept-encoding': 'gzip, deflate, br' });
      const gzip = await browse(file, { 'accept-encoding': 'gzip' });
      expect(plain.headers['content-type']).toBe(`text/${file.endsWith('css') ? 'css' : 'javascript'}; charset=utf-8`);
      expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect([plain, brotli, gzip].map(({ headers }) => headers.vary)).toEqual(Array(3).fill('Accept-Encoding'));
      expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
      expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
    }
  });

  it.each(['/docs/', '/DOCS', '/docs/1.0.0/start.js', '/docs/..%2fpackage.json'])(
    '%s -> only what is there',
    async (path) => {
      expect((await browse(path)).status).toBe(path === '/docs/' ? 200 : 404);
    },
  );
});
