import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  baseApp,
  bodyOf,
  buildOpenApi,
  described,
  listen,
  ok,
  route,
  ServiceClient,
  text,
  type HttpServer,
} from '@shop/common/http';
import { createMetrics } from '@shop/common/metrics';
import { ask, lintDescription } from '@shop/testing';
import { openApiRouter } from './openapi.js';
import { personalDataRoutes } from './personal-data/personal-data.routes.js';

/** A service that shows the description of one route; `isDown` while it does not. */
function startDescribed(name: string) {
  const things = route({
    method: 'POST',
    path: '/',
    access: 'authenticated',
    operation: {
      id: `create-${name}`,
      summary: `Create ${name}`,
      replies: { 201: { message: 'Done', data: null } },
      errors: [],
    },
    body: bodyOf({ name: described(text({ max: 10 }), 'What it is called.', 'A name') }),
    handle: async () => ok('Done', null),
  });
  const document = buildOpenApi({ service: name, version: '1.2.3', routes: { [`/api/v1/${name}`]: [things] } });
  const state = { isDown: false, asked: 0 };
  const server = createServer((_request, response) => {
    state.asked += 1;
    if (state.isDown) response.writeHead(503).end('{}');
    else response.end(JSON.stringify(document));
  });
  return new Promise<{ state: typeof state; client: ServiceClient; name: string; stop: () => Promise<void> }>(
    (resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        const metrics = createMetrics({ service: 'gateway' });
        const client = new ServiceClient({ name, url: `http://127.0.0.1:${port}`, timeout: 5_000, metrics });
        const stop = async () => {
          await client.close();
          server.close();
        };
        resolve({ state, client, name, stop });
      });
    },
  );
}

const own = buildOpenApi({
  service: 'gateway',
  version: '1.2.3',
  routes: personalDataRoutes({ export: async () => undefined }),
});

let books: Awaited<ReturnType<typeof startDescribed>>;
let films: typeof books;
let gateway: HttpServer;
const at = (path: string) => `http://127.0.0.1:${gateway.port}${path}`;

beforeAll(async () => {
  [books, films] = await Promise.all([startDescribed('books'), startDescribed('films')]);
  gateway = await listen(baseApp().use(openApiRouter([books, films], () => own)), { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await gateway.stop(0);
  await Promise.all([books.stop(), films.stop()]);
});

describe('/openapi.json of all services', () => {
  it('one of them is down -> no document of the whole, since a part would pass for all; those of the others', async () => {
    films.state.isDown = true;
    expect((await ask(at('/openapi.json'))).status).toBeGreaterThanOrEqual(500);
    expect((await ask(at('/openapi/films.json'))).status).toBeGreaterThanOrEqual(500);
    expect((await ask(at('/openapi/books.json'))).body.paths).toHaveProperty('/api/v1/books');
    films.state.isDown = false;
  });

  it('all are there -> what each answers and clients can reach, and nginx itself, clean under redocly lint, from one call of each', async () => {
    const { status, headers, body } = await ask(at('/openapi.json'));
    expect(status).toBe(200);
    expect(Object.keys(body.paths)).toEqual([
      '/api/v1/books',
      '/health',
      '/openapi.json',
      '/api/v1/films',
      '/api/v1/users/{id}/export',
    ]);
    expect(body.components.schemas).toMatchObject({ 'Create-booksRequest': {}, 'Create-filmsRequest': {} });
    expect(body.info.version).toBe('1.2.3');
    for (const operation of [body.paths['/api/v1/books'].post, body.paths['/health'].get]) {
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining(['400', '413', '421', '429', '431', '503', '504']),
      );
    }
    expect(body.components.responses).toHaveProperty('UpstreamTimeout');
    expect(await lintDescription(body)).toEqual([]);

    const asked = films.state.asked;
    const again = await ask(at('/openapi.json'), { headers: { 'If-None-Match': String(headers['etag']) } });
    expect([again.status, films.state.asked]).toEqual([304, asked]);
  });

  it('of a service that is none -> 404', async () => {
    expect((await ask(at('/openapi/toys.json'))).status).toBe(404);
  });
});
