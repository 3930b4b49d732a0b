import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { attack, requestBytes } from './index.js';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

const request = (statuses?: number[]) => ({
  name: 'a request',
  bytes: requestBytes({ method: 'GET', path: '/', headers: {} }),
  ...(statuses && { statuses }),
});
const answering =
  (status: number, body: unknown, type = 'application/json'): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const failure = (error: object) => ({ success: false, error, requestId: 'x' });
const fields = [{ field: 'x', message: 'is wrong' }];
const invalid = { code: 'INVALID_INPUT', message: 'Validation failed', details: 'x: is wrong', fields };

async function checked(listener: RequestListener, statuses?: number[]): Promise<string[]> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  return attack(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, [request(statuses)]);
}

describe('an attack', () => {
  it.each<[string, RequestListener, string]>([
    ['a failure of the server', answering(500, failure({ code: 'INTERNAL_ERROR', message: 'x' })), 'status 500'],
    [
      'one that GraphQL hides',
      answering(200, { errors: [{ message: 'x', extensions: { code: 'INTERNAL_ERROR' } }] }),
      'INTERNAL_ERROR',
    ],
    ['words of a library', answering(400, failure({ ...invalid, message: 'Unexpected token' })), 'innards'],
    ['a page', answering(404, '<pre>Cannot GET /</pre>', 'text/html'), 'type text/html'],
    ['another form', answering(404, { error: 'not found' }), 'not in the form'],
    ['a code of another status', answering(404, failure({ code: 'CONFLICT', message: 'x' })), 'with CONFLICT'],
    ['no fields', answering(400, failure({ code: 'INVALID_INPUT', message: 'x' })), 'no fields'],
    ['a closed connection', ({ socket }) => void socket.destroy(), 'no answer'],
  ])('%s -> reported', async (_, listener, fault) => {
    const failures = await checked(listener);

    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain(fault);
  });

  it('another status than the contract names -> reported', async () => {
    expect(await checked(answering(200, '{}'), [415])).toEqual([expect.stringContaining('not one of 415')]);
  });

  it('noise of the client that an answer quotes, with a name of a library inside -> nothing to tell', async () => {
    const message = 'Unexpected Name "WzEwNzUzODExzOD1ZDQzJjMPRISMA4aBigInt0".';
    expect(await checked(answering(400, failure({ ...invalid, message })), [400])).toEqual([]);
  });

  it('what the contract asks for -> nothing to tell', async () => {
    expect(await checked(answering(400, failure(invalid)), [400])).toEqual([]);
  });
});
