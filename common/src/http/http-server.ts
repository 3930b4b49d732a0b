import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** Above the 60 s for which nginx keeps idle connections to us, or it would send requests into closing ones. */
const KEEP_ALIVE_TIMEOUT = 72_000;
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;
const IDLE_SWEEP = 100;

export interface HttpServer {
  readonly port: number;
  /** Takes no new connection, lets running requests end within `grace` milliseconds, then closes what is left. */
  stop(grace: number): Promise<void>;
}

/** Opens a port (0: a free one) for an app. Rejects when the port is taken. */
export async function listen(
  listener: RequestListener,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  let stopping = false;
  const server: Server = createServer((request, response) => {
    // A client that is told so opens its next connection elsewhere.
    if (stopping) response.setHeader('Connection', 'close');
    listener(request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT;
  server.headersTimeout = HEADERS_TIMEOUT;
  server.requestTimeout = REQUEST_TIMEOUT;
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async (grace) => {
      stopping = true;
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      });
      const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP);
      const force = setTimeout(() => server.closeAllConnections(), grace);
      try {
        await closed;
      } finally {
        clearInterval(sweep);
        clearTimeout(force);
      }
    },
  };
}
