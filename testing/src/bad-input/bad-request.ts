export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A route as a client sees it, with what it takes. */
export interface AttackedRoute {
  readonly method: string;
  /** Complete: with its ids. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What it would accept, every optional field included: each field of it is attacked. */
  readonly body?: Readonly<Record<string, JsonValue>>;
  /** Likewise. */
  readonly query?: Readonly<Record<string, string>>;
}

/** What routes take, by method and path as in their table: `POST /:id/process`. */
export type RouteTable = Readonly<Record<string, Pick<AttackedRoute, 'body' | 'query'>>>;

/** The routes of a table below `base`, each with headers of its own; `params` by name, without the colon. */
export const attackedRoutes = (
  base: string,
  table: RouteTable,
  { headers, params }: { headers: () => Readonly<Record<string, string>>; params: Readonly<Record<string, string>> },
): AttackedRoute[] =>
  Object.entries(table).map(([route, takes]) => {
    const [method = '', pattern = ''] = route.split(' ');
    const path = pattern === '/' ? '' : pattern.replace(/:(\w+)/g, (_, name: string) => params[name] ?? '');
    return { method, path: `${base}${path}`, headers: headers(), ...takes };
  });

/** One hostile request. */
export interface BadRequest {
  readonly name: string;
  readonly bytes: Buffer;
  /** The statuses that the contract names for it; any below 500 where it names none. */
  readonly statuses?: readonly number[];
  /** Whether the server may close the connection without an answer. */
  readonly mayHangUp?: boolean;
  /** Whether there is more to come, as it says itself, and the client goes away instead. */
  readonly isIncomplete?: boolean;
}

export const CRLF = '\r\n';

/** The bytes of a request. The connection is closed after it. */
export function requestBytes(
  { method, path, headers }: Pick<AttackedRoute, 'method' | 'path' | 'headers'>,
  body?: string | Buffer,
): Buffer {
  const content = body === undefined ? undefined : Buffer.from(body);
  const all: Record<string, string> = {
    Host: 'localhost',
    Connection: 'close',
    ...(content && { 'Content-Type': 'application/json', 'Content-Length': String(content.length) }),
    ...headers,
  };
  const head = [
    `${method} ${path} HTTP/1.1`,
    ...Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`])),
  ];
  return Buffer.concat([Buffer.from(head.join(CRLF) + CRLF + CRLF, 'latin1'), content ?? Buffer.alloc(0)]);
}
