import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** One request as it arrived. */
export interface Call {
  method: string;
  url: string;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
}

type Respond = (call: Call, response: ServerResponse) => void | Promise<void>;

/** An HTTP server that answers what a test tells it to, and remembers what it was asked. */
export interface ScriptedUpstream {
  address: string;
  calls: Call[];
  /** How many connections were opened. */
  connections(): number;
  respond(script: Respond): void;
  /** Closes the port and every connection; `start` opens the same port again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startScriptedUpstream(): Promise<ScriptedUpstream> {
  const calls: Call[] = [];
  let script: Respond = (_call, response) => void response.end();
  let opened = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request;
    const call = { method, url, headers, body: await buffer(request) };
    calls.push(call);
    await script(call, response);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.keepAliveTimeout = 72_000; // as common/src/http/http-server.ts has it
  server.on('connection', () => opened++);
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen({ port, host: '127.0.0.1', backlog: 2_048 }, resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    address: `127.0.0.1:${port}`,
    calls,
    connections: () => opened,
    respond: (next) => void (script = next),
    start: () => listen(port),
    stop: () =>
      new Promise((resolve) => {
        if (!server.listening) {
          resolve();
          return;
        }
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
