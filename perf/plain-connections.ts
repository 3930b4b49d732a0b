// A client of HTTP/1.1 that does no more than a load needs, so that it takes little of the processors that it shares with
// what it measures: requests are written as they are, and of an answer only status, length and body are looked at.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface PlainRequest {
  origin: string;
  path: string;
  headers: Record<string, string>;
  /** GET by default. */
  method?: 'GET' | 'POST';
  body?: string;
  /** Whether a successful answer is what was asked for: GraphQL answers 200 with errors, too. Each answer is by default. */
  accepts?: (body: string) => boolean;
}

/** The status; what is wrong with a success; or the code of what kept an answer from coming. */
export type Answered = (answer: string) => void;

interface Exchange {
  request: PlainRequest;
  answered: Answered;
  /** As performance.now() tells. */
  endsBy: number;
}

const sweepPause = 500;
/** Fewer than wait to be accepted at most: 511 by default. */
const openedAtOnce = 200;
/** What a read takes in at most: read at once and copied only where an answer comes in parts. */
const readBuffer = Buffer.alloc(65_536);
const headEnd = '\r\n\r\n';
const lastChunk = '0\r\n\r\n';

export const isSuccess = (answer: string): boolean => /^2\d\d$/.test(answer);

/** Up to so many connections, opened as they are needed, each with one request at a time; what finds none free waits in line. */
export class PlainConnections {
  readonly #most: number;
  readonly #timeout: number;
  readonly #free = new Map<string, Connection[]>();
  readonly #all = new Set<Connection>();
  readonly #waiting: Exchange[] = [];
  #firstWaiting = 0;
  readonly #sweep: NodeJS.Timeout;

  /** `timeout`: milliseconds for an answer, from when its request is written. */
  constructor({ connections, timeout }: { connections: number; timeout: number }) {
    this.#most = connections;
    this.#timeout = timeout;
    this.#sweep = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#all) connection.endIfLate(now);
    }, sweepPause);
  }

  /** Opens all of them to one origin. A few at a time: Node.js accepts one in each turn of its event loop. */
  async openAll(origin: string): Promise<void> {
    while (this.#all.size < this.#most) {
      const opened: Promise<void>[] = [];
      while (opened.length < openedAtOnce) {
        const connection = this.#open(origin);
        if (!connection) break;
        opened.push(connection.opened.then(() => this.#give(connection)));
      }
      await Promise.all(opened);
    }
  }

  send(request: PlainRequest, answered: Answered): void {
    const exchange = { request, answered, endsBy: 0 };
    const connection = this.#free.get(request.origin)?.pop() ?? this.#open(request.origin);
    if (connection) this.#begin(connection, exchange);
    else this.#waiting.push(exchange);
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const connection of this.#all) connection.close();
  }

  #begin(connection: Connection, exchange: Exchange): void {
    exchange.endsBy = performance.now() + this.#timeout;
    connection.begin(exchange);
  }

  #open(origin: string): Connection | undefined {
    if (this.#all.size >= this.#most && !this.#closeOneOfAnother(origin)) return undefined;
    const connection: Connection = new Connection(origin, {
      onFree: () => this.#give(connection),
      onEnd: () => this.#forget(connection),
    });
    this.#all.add(connection);
    return connection;
  }

  /** Loads that ask several servers get connections to each in turn. */
  #closeOneOfAnother(origin: string): boolean {
    for (const [other, free] of this.#free) {
      const connection = other === origin ? undefined : free.pop();
      if (!connection) continue;
      connection.close();
      return true;
    }
    return false;
  }

  #give(connection: Connection): void {
    const next = this.#waiting[this.#firstWaiting];
    if (next?.request.origin === connection.origin) {
      this.#takeNext();
      this.#begin(connection, next);
      return;
    }
    const free = this.#free.get(connection.origin) ?? [];
    free.push(connection);
    this.#free.set(connection.origin, free);
    if (next) this.#sendNext(next);
  }

  #forget(connection: Connection): void {
    this.#all.delete(connection);
    const free = this.#free.get(connection.origin) ?? [];
    const at = free.indexOf(connection);
    if (at >= 0) free.splice(at, 1);
    const next = this.#waiting[this.#firstWaiting];
    if (next) this.#sendNext(next);
  }

  #sendNext(next: Exchange): void {
    this.#takeNext();
    this.send(next.request, next.answered);
  }

  #takeNext(): void {
    this.#firstWaiting += 1;
    if (this.#firstWaiting < this.#waiting.length / 2) return;
    this.#waiting.splice(0, this.#firstWaiting);
    this.#firstWaiting = 0;
  }
}

class Connection {
  readonly origin: string;
  /** Rejects where it can't be opened. */
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  readonly #host: string;
  readonly #onFree: () => void;
  #exchange: Exchange | undefined;
  #received: Buffer = Buffer.alloc(0);

  constructor(origin: string, { onFree, onEnd }: { onFree: () => void; onEnd: () => void }) {
    const { hostname, port, host } = new URL(origin);
    this.origin = origin;
    this.#host = host;
    this.#onFree = onFree;
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer: readBuffer, callback: (bytes) => this.#receive(readBuffer.subarray(0, bytes)) },
    });
    this.opened = once(this.#socket, 'connect').then(() => undefined);
    this.opened.catch(() => undefined); // whoever sends on it gets the error
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.on('close', () => {
      this.#end('closed without an answer');
      onEnd();
    });
  }

  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    const { method = 'GET', path, headers, body } = exchange.request;
    let text = `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n`;
    for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
    if (body !== undefined) text += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    this.#socket.write(`${text}\r\n${body ?? ''}`);
  }

  endIfLate(now: number): void {
    if (this.#exchange && now > this.#exchange.endsBy) {
      this.#end('no answer in time');
      this.#socket.destroy();
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(answer: string): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.answered(answer);
  }

  #receive(part: Buffer): boolean {
    const received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part]);
    const answer = parseAnswer(received);
    if (answer === undefined) {
      this.#received = received === part ? Buffer.from(part) : received;
      return true;
    }
    this.#received = Buffer.alloc(0);
    const { accepts } = this.#exchange?.request ?? {};
    const isTaken = !accepts || !isSuccess(answer.status) || accepts(answer.body());
    this.#end(isTaken ? answer.status : 'success with errors');
    if (answer.closes) this.#socket.destroy();
    else this.#onFree();
    return true;
  }
}

/** Of a whole answer; undefined while a part of it is missing. */
export function parseAnswer(received: Buffer): { status: string; closes: boolean; body: () => string } | undefined {
  const end = received.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = received.toString('latin1', 0, end);
  const start = end + headEnd.length;
  const status = head.slice(9, 12);
  const closes = /\r\nconnection: *close/i.test(head);
  const length = status === '204' || status === '304' ? '0' : /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    if (received.length < start + Number(length)) return undefined;
    return { status, closes, body: () => received.toString('utf8', start) };
  }
  if (received.toString('latin1', Math.max(start, received.length - lastChunk.length)) !== lastChunk) return undefined;
  return { status, closes, body: () => joinChunks(received.subarray(start)) };
}

function joinChunks(body: Buffer): string {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = parseInt(body.toString('latin1', at, lineEnd), 16);
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(chunks).toString();
}
