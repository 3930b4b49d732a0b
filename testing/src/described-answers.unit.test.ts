import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Router } from 'express';
import { baseApp, buildOpenApi, ok, route } from '@shop/common/http';
import { ask } from './ask.js';
import { DescribedAnswers } from './described-answers.js';

const things = route({
  method: 'DELETE',
  path: '/:id',
  access: 'authenticated',
  operation: { id: 'deleteThing', summary: 'Delete', replies: { 200: { message: 'Deleted', data: null } }, errors: [] },
  handle: async () => ok('Deleted', null),
});
const document = buildOpenApi({ service: 'things', version: '1.2.3', routes: { '/api/v1/things': [things] } });

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

/** A service that describes itself and answers this to everything below /api/v1/things. */
async function start(body: object): Promise<string> {
  const router = Router().use((_request, response) => {
    response.set('X-Request-Id', 'a').json(body);
  });
  const app = baseApp()
    .get('/openapi.json', (_request, response) => void response.json(document))
    .use('/api/v1/things', router);
  const listening = createServer(app);
  server = listening;
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

describe('what a server of this process answers, also by a router below a path, held against its description', () => {
  it('all as it is described -> nothing to say', async () => {
    const url = await start({ success: true, message: 'Deleted', data: null });
    const answers = new DescribedAnswers();
    await answers.watch(url);
    await ask(`${url}/api/v1/things/1?a=b`, { method: 'DELETE' });
    expect(() => answers.stop()).not.toThrow();
  });

  it('with a field more -> it throws at the end and says which', async () => {
    const url = await start({ success: true, message: 'Deleted', data: null, more: 1 });
    const answers = new DescribedAnswers();
    await answers.watch(url);
    await ask(`${url}/api/v1/things/1`, { method: 'DELETE' });
    expect(() => answers.stop()).toThrow(
      'answers that /openapi.json does not describe:\nDELETE /api/v1/things/{id} -> 200: body must NOT have additional',
    );
  });
});
