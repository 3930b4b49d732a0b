import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { InvalidInput, PayloadTooLarge, type AppError } from '../errors/index.js';
import { InFlight } from '../process/index.js';
import { errorAnswer } from './error-handler.js';
import { hostCheck } from './host.js';

/** How long a client may take for each part of an exchange, in milliseconds. */
export interface ServerTimeouts {
  /** From the connection, or the end of the last answer, to the last header. */
  readonly headers: number;
  /** To the last byte of the request. */
  readonly request: number;
  /** From the last byte of an answer being there to its having been taken. */
  readonly response: number;
  /** For the next request. */
  readonly idle: number;
  /** Between two looks for connections and answers whose time is over. */
  readonly check: number;
}

const TIMEOUTS: ServerTimeouts = {
  headers: 10_000,
  request: 30_000,
  response: 30_000,
  // Above the 60 s for which nginx keeps idle connections to us, or it would send requests into closing ones.
  idle: 72_000,
  // Node's own 30 s would let a client take four times as long for its headers.
  check: 1_000,
};
/** Connections at once; more are closed at once. An idle one takes some 20 kB. */
const MAX_CONNECTIONS = 5_000;
const IDLE_SWEEP = 100;

interface Unanswered {
  readonly response: ServerResponse;
  /** Since when it has been seen to have ended, without its client having taken all of it. */
  endedAt?: number;
}

export interface HttpServer {
  readonly port: number;
  /** For `time` milliseconds still answers everybody, and has them open their next connection, which may lead elsewhere. */
  drain(time: number): Promise<void>;
  /** Takes no new connection, lets running requests end within `grace` milliseconds, then closes what is left. */
  stop(grace: number): Promise<void>;
}

/** Handles requests; `messages`: of which classes it would have them. */
export type Listener = RequestListener & {
  readonly messages?: Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;
};

export interface ListenOptions {
  host: string;
  port: number;
  /** Names that it may be asked by, beside those of the loopback and its own address: host.ts. */
  allowedHosts?: readonly string[];
  /** Has a request begun, or refuses one that there is no room for before anything else is done for it. */
  admit?: ((request: IncomingMessage, response: ServerResponse, begin: RequestListener) => void) | undefined;
  timeouts?: Partial<ServerTimeouts>;
  maxConnections?: number;
}

/** Opens a port (0: a free one) for an app. Rejects when the port is taken. */
export async function listen(
  listener: Listener,
  { host, port, allowedHosts = [], admit, timeouts: changes, maxConnections = MAX_CONNECTIONS }: ListenOptions,
): Promise<HttpServer> {
  const timeouts = { ...TIMEOUTS, ...changes };
  const checkHost = hostCheck(allowedHosts);
  let stopping = false;
  const unanswered = new InFlight<Unanswered>();
  const options: ServerOptions = {
    ...listener.messages,
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.idle,
    connectionsCheckingInterval: timeouts.check,
    // Node would answer what has none itself, without a word.
    requireHostHeader: false,
  };
  const begin: RequestListener = (request, response) => {
    if (request.headers.host === undefined && request.httpVersionMajor === 1 && request.httpVersionMinor === 1) {
      refuse(response, faults.malformed); // RFC 9112, 3.2
      return;
    }
    const verdict = checkHost(request);
    if (verdict === 'known') listener(request, response);
    else refuse(response, verdict === 'foreign' ? faults.foreignHost : faults.malformed);
  };
  const server: Server = createServer(options, (request, response) => {
    if (stopping) response.setHeader('Connection', 'close');
    response.on('close', unanswered.add({ response }));
    if (admit) admit(request, response, begin);
    else begin(request, response);
  });
  server.maxConnections = maxConnections;
  const sweep = dropUntaken(unanswered, timeouts);
  server.once('close', () => clearInterval(sweep));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const response = [...unanswered].find(({ response: { socket: own } }) => own === socket)?.response;
    // Behind an answer that has begun, another would be taken for its end.
    const isBegun = response?.headersSent === true && !response.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isBegun) socket.destroy();
    else refuseConnection(socket, faultOfCode[error.code ?? ''] ?? faults.malformed);
  });
  server.on('checkExpectation', (_request, response: ServerResponse) => refuse(response, faults.expectation));
  /** A client that learns so opens its next connection elsewhere, and sends nothing into one that is about to close. */
  const sendElsewhere = (): void => {
    stopping = true;
    for (const { response } of unanswered) if (!response.headersSent) response.setHeader('Connection', 'close');
  };
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    drain: async (time) => {
      sendElsewhere();
      await delay(time);
    },
    stop: async (grace) => {
      sendElsewhere();
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      });
      const closing = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP);
      const force = setTimeout(() => server.closeAllConnections(), grace);
      try {
        await closed;
      } finally {
        clearInterval(closing);
        clearTimeout(force);
      }
    },
  };
}

/**
 * Node bounds how long a request may take, and not how long the client takes to read the answer. One timer looks at all of
 * them: one for each would cost every request for the sake of very few.
 */
function dropUntaken(unanswered: InFlight<Unanswered>, { response: timeout, check }: ServerTimeouts): NodeJS.Timeout {
  return setInterval(() => {
    const now = performance.now();
    for (const one of unanswered) {
      if (!one.response.writableEnded) continue;
      one.endedAt ??= now;
      if (now - one.endedAt >= timeout) one.response.destroy();
    }
  }, check).unref();
}

interface Fault {
  readonly status: number;
  readonly error: AppError;
}

const fault = (status: number, message: string, field = 'request'): Fault => ({
  status,
  error: new InvalidInput([{ field, message }]),
});

/** What is wrong with a request before any route can look at it. */
const faults = {
  malformed: fault(400, 'is not valid HTTP'),
  slow: fault(408, 'did not arrive in time'),
  tooLarge: { status: 413, error: new PayloadTooLarge() },
  foreignHost: fault(421, 'is none that this server answers to; ALLOWED_HOSTS names those', 'host'),
  expectation: fault(417, 'expects what can not be met'),
  headers: fault(431, 'has too long an address or headers'),
};

/** By the codes of Node's parser; every other is malformed. */
const faultOfCode: Readonly<Record<string, Fault>> = {
  ERR_HTTP_REQUEST_TIMEOUT: faults.slow,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: faults.tooLarge,
  HPE_HEADER_OVERFLOW: faults.headers,
};

const bodyOfFault = ({ error }: Fault): string =>
  JSON.stringify({ ...errorAnswer(error).body, requestId: randomUUID() });

function refuse(response: ServerResponse, refusal: Fault): void {
  response.writeHead(refusal.status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(bodyOfFault(refusal));
}

/** Answers what never became a request, and hangs up. */
function refuseConnection(socket: Duplex, refusal: Fault): void {
  const body = bodyOfFault(refusal);
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    'Cache-Control: no-store',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
