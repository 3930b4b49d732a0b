import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { MAX_ORDER_BYTES } from '@shop/common/contracts';
import { statusOfCode } from '@shop/common/http';
import { sendRaw, type RawAnswer } from './raw-http.js';

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

const CRLF = '\r\n';
/** Of the routes and operations that take the largest ones: no other takes as much. */
const MAX_BODY_BYTES = MAX_ORDER_BYTES;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** JSON texts that stand where a field's value should: what JSON can carry and a program may stumble on. */
const hostileJson: readonly string[] = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '"   "',
  '[[["x"]]]',
  '{"$gt":""}',
  '{"toString":"x","length":-1,"valueOf":null}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '0',
  '-0',
  '-1',
  '5',
  '"5"',
  '1.5',
  '1e400',
  '-1e400',
  '1e-400',
  '0.1000000000000000055511151231257827021181583404541015625',
  '9007199254740993',
  '999999999999999999999999999999',
  '2147483648',
  '"NaN"',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202eexe.gpj\\u2066"',
  '"\\ud83d\\udc69\\u200d\\ud83d\\udc69\\u200d\\ud83d\\udc67"',
  '"\\ufeff\\uffff\\ufffe"',
  '"\\u001b[31m\\r\\nSet-Cookie: a=b"',
  '"\'; DROP TABLE orders; --"',
  '"${jndi:ldap://x}{{7*7}}%s%n<script>"',
  '"../../../../etc/passwd"',
  '"__proto__"',
  '"constructor"',
  `"e${'\\u0301'.repeat(2_000)}"`,
  `"${'x'.repeat(50_000)}"`,
  `"${'a@'.repeat(120)}b.co"`,
  `[${Array.from({ length: 5_000 }, () => '0').join(',')}]`,
  `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
];

/** The text of a JSON value in which one field is replaced by another text. */
function replaced(value: JsonValue, path: readonly (string | number)[], text: string): string {
  const [step, ...rest] = path;
  if (step === undefined) return text;
  if (Array.isArray(value)) {
    return `[${value.map((item: JsonValue, i) => (i === step ? replaced(item, rest, text) : JSON.stringify(item))).join(',')}]`;
  }
  const members = Object.entries(value ?? {}).map(
    ([key, item]: [string, JsonValue]) =>
      `${JSON.stringify(key)}:${key === step ? replaced(item, rest, text) : JSON.stringify(item)}`,
  );
  return `{${members.join(',')}}`;
}

/** The paths of all fields of a value, those of objects and lists included. */
function pathsOf(value: JsonValue, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  const below = Array.isArray(value)
    ? value.flatMap((item: JsonValue, i) => pathsOf(item, [...at, i]))
    : Object.entries(value).flatMap(([key, item]: [string, JsonValue]) => pathsOf(item, [...at, key]));
  return at.length === 0 ? below : [at, ...below];
}

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

/** A request whose body is exactly this text in the place of one field. */
export const withField = (route: AttackedRoute, path: readonly (string | number)[], text: string): BadRequest => ({
  name: `${route.method} ${route.path}: ${path.join('.')} = ${text.slice(0, 60)}`,
  bytes: requestBytes(route, replaced(route.body ?? {}, path, text)),
});

/** The fields of a route's body. */
export const fieldsOf = (route: AttackedRoute): (readonly (string | number)[])[] => pathsOf(route.body ?? {});

let bombs: { gzip: Buffer; deflate: Buffer; brotli: Buffer } | undefined;

/** A few kilobytes that unpack to many megabytes of white space. */
function packedBombs() {
  if (bombs === undefined) {
    const content = Buffer.alloc(20_000_000, ' ');
    bombs = { gzip: gzipSync(content), deflate: deflateSync(content), brotli: brotliCompressSync(content) };
  }
  return bombs;
}

function badBodies(route: AttackedRoute): BadRequest[] {
  if (route.body === undefined) return [];
  const text = JSON.stringify(route.body);
  const [first = 'x'] = Object.keys(route.body);
  const withMember = (member: string) => (text === '{}' ? `{${member}}` : `${text.slice(0, -1)},${member}}`);
  const named = (name: string, body: string | Buffer, headers = {}, statuses?: readonly number[]): BadRequest => ({
    name: `${route.method} ${route.path}: ${name}`,
    bytes: requestBytes({ ...route, headers: { ...route.headers, ...headers } }, body),
    ...(statuses && { statuses }),
  });
  const type = (value: string) => ({ 'Content-Type': value });
  const packed = (value: string) => ({ 'Content-Encoding': value });
  const refusals = [400, 401, 403, 404];
  const unsupported = [415, 401, 403];
  return [
    named('__proto__', withMember('"__proto__":{"polluted":true,"role":"admin"}')),
    named('constructor.prototype', withMember('"constructor":{"prototype":{"polluted":true}}')),
    named('a key twice', withMember(`"${first}":null`)),
    named('an empty key', withMember('"":1')),
    named('a deep unknown field', withMember(`"more":${'['.repeat(10_000)}${']'.repeat(10_000)}`)),
    named('many keys', withMember(Array.from({ length: 5_000 }, (_, i) => `"k${i}":0`).join(','))),
    named(
      '100,000 keys',
      withMember(Array.from({ length: 100_000 }, (_, i) => `"key-${i}":0`).join(',')),
      {},
      [413, 401, 403],
    ),
    named('too large', withMember(`"more":"${'x'.repeat(MAX_BODY_BYTES)}"`), {}, [413, 401, 403]),
    named('NaN', withMember('"more":NaN'), {}, refusals),
    named('truncated', text.slice(0, -1), {}, refusals),
    named('half a character', Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xe2, 0x82])]), {}, refusals),
    named('bytes that are no UTF-8', Buffer.from(text.replace(/"([^"]*)"\s*:/, '"\xff\xfe$1":'), 'latin1')),
    named('two values', `${text}${text}`, {}, refusals),
    named('a byte order mark', `\ufeff${text}`),
    named('NUL around it', `\0${text}\0`, {}, refusals),
    named('a single quote', "'", {}, refusals),
    named('a list', `[${text}]`, {}, refusals),
    named('a batch', `[${text},${text}]`, {}, refusals),
    named('null', 'null', {}, refusals),
    named('a text', '"x"', {}, refusals),
    named('a number', '1e999', {}, refusals),
    named('empty', ''),
    named('white space', '   '),
    named('UTF-16', Buffer.from(text, 'utf16le'), type('application/json; charset=utf-16'), unsupported),
    named('UTF-16LE', Buffer.from(text, 'utf16le'), type('application/json; charset="utf-16le"'), unsupported),
    named('UTF-32', Buffer.from(text), type('application/json; charset=UTF-32'), unsupported),
    named('UTF-7', Buffer.from(text), type('application/json; charset=utf-7'), unsupported),
    named('latin1', Buffer.from(text, 'latin1'), type('application/json; charset=latin1'), unsupported),
    named('an unknown charset', text, type('application/json; charset=x-none'), unsupported),
    named('UTF-16 that says it is JSON', Buffer.from(text, 'utf16le')),
    ...[
      'text/plain',
      'text/json',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      '*/*',
    ].map((value) => named(`type ${value}`, text, type(value), unsupported)),
    named('a type that is none', text, type(';;,/'), unsupported),
    named('a very long type', text, type(`application/json;${' '.repeat(8_000)}x`)),
    named('a gzip bomb', packedBombs().gzip, packed('gzip'), unsupported),
    named('a Brotli bomb', packedBombs().brotli, packed('br'), unsupported),
    named('a deflate bomb', packedBombs().deflate, packed('deflate'), unsupported),
    named('packed twice', gzipSync(gzipSync(text)), packed('gzip, gzip'), unsupported),
    named('an encoding that is none', text, packed('x-none'), unsupported),
    named('gzip that is none', text, packed('gzip'), unsupported),
    ...pathsOf(route.body).flatMap((path) => hostileJson.map((value) => withField(route, path, value))),
  ];
}

const badIds = [
  'not-an-id',
  '00000000-0000-0000-0000-00000000000',
  '00000000-0000-0000-0000-0000000000000',
  '%00',
  '%ff',
  '%E0%A4%A',
  '%',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..%5c..',
  '..;',
  "1'--",
  '1%27%20OR%201=1--',
  '__proto__',
  'constructor',
  '%F0%9F%92%A9',
  '{id}',
  '*',
  'x'.repeat(5_000),
];

function badPaths(route: AttackedRoute): BadRequest[] {
  const body = route.body && JSON.stringify(route.body);
  const at = (path: string, statuses?: readonly number[]): BadRequest => ({
    name: `${route.method} ${path.slice(0, 120)}`,
    bytes: requestBytes({ ...route, path }, body),
    ...(statuses && { statuses }),
  });
  const { path } = route;
  return [
    ...(UUID.test(path) ? badIds.map((id) => at(path.replace(UUID, id), [400, 401, 403, 404, 405])) : []),
    at(path.replace('/api', '//api')),
    at(path.replace(/\/([^/]*)$/, '//$1')),
    at(path.replace(/\/([^/]*)$/, '%2f$1')),
    at(path.replace(/\/([^/]*)$/, '/../$1')),
    at(path.replace(/\/([^/]*)$/, '/.;/$1')),
    at(`${path}/..`),
    at(`${path}/`),
    at(path.toUpperCase()),
    at(`${path}%00`),
    at(`${path}%`),
    at(`${path}\\..\\x`),
    at(`${path}#x`),
    at(`${path}/${'a/'.repeat(2_000)}`),
    at(`http://elsewhere.test${path}`),
    at(`//elsewhere.test${path}`),
    at(`${path}?${'a=1&'.repeat(2_000)}`),
    at(`${path}?${'x'.repeat(10_000)}`),
    at(`${path}?a[b]=c&a[]=1&a[b][c]=2`),
    at(`${path}?__proto__=1&constructor=2&__proto__[x]=3`),
    at(`${path}?%`),
    at(`${path}?%00=%ff&%E0%A4%A=1`),
    at(`${path}??&&==&`),
    at(`${path}?${'x'.repeat(20_000)}`, [431]),
  ];
}

const badQueryValues = [
  '',
  '%00',
  'x',
  '-1',
  '0',
  '1e3',
  '0x10',
  '1.5',
  '99999999999999999999',
  '9'.repeat(5_000),
  'NaN',
  'null',
  '%F0%9F%92%A9',
  '%ff',
  "'%20OR%201=1--",
  'W10',
  Buffer.from('[1e400,"x","y"]').toString('base64url'),
  Buffer.from(`[1,"00000000-0000-7000-8000-000000000000","${'x'.repeat(300)}"]`).toString('base64url'),
  Buffer.from('{"__proto__":[]}').toString('base64url'),
  '+275760-09-13T00:00:00.001Z',
  '0000-00-00T00:00:00Z',
  '0000-12-30T00:00:00Z',
  '0001-01-01T00:00:00%2B23:59',
  '2026-02-30T24:00:60Z',
  '%E0%A4%A',
  '%ED%A0%80',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999%2B23:59',
  '2026-01-01T00:00:00%2B99:99',
  ','.repeat(3_000),
];

function badQueries(route: AttackedRoute): BadRequest[] {
  const { query } = route;
  if (query === undefined) return [];
  const at = (parameters: string): BadRequest => ({
    name: `${route.method} ${route.path}?${parameters.slice(0, 120)}`,
    bytes: requestBytes({ ...route, path: `${route.path}?${parameters}` }),
  });
  return Object.entries(query).flatMap(([name, value]) => [
    ...badQueryValues.map((bad) => at(`${name}=${bad}`)),
    at(`${name}=${value}&${name}=${value}`),
    at(`${name}[]=${value}`),
    at(`${name}[a]=${value}`),
    at(`${name.toUpperCase()}=${value}`),
    at(name),
    // One bit of each of its first characters turned: of a cursor, for instance.
    ...Array.from(value.slice(0, 24), (_, i) => {
      const turned = Buffer.from(value);
      turned.writeUInt8((turned[i] ?? 0) ^ 1, i);
      return at(`${name}=${encodeURIComponent(turned.toString('latin1'))}`);
    }),
  ]);
}

function badMethods(route: AttackedRoute): BadRequest[] {
  const body = route.body && JSON.stringify(route.body);
  return [
    'TRACE',
    'CONNECT',
    'PROPFIND',
    'PURGE',
    'OPTIONS',
    'HEAD',
    'LINK',
    'PATCH',
    'DELETE',
    'M-SEARCH',
    'NONE',
    'get',
  ].flatMap((method) =>
    // A method that the route has would do what it is there for.
    method === route.method
      ? []
      : [
          {
            name: `${method} ${route.path}`,
            bytes: requestBytes({ ...route, method }, method === 'HEAD' ? undefined : body),
            mayHangUp: method === 'CONNECT',
          },
        ],
  );
}

function badHeaders(route: AttackedRoute): BadRequest[] {
  const body = route.body && JSON.stringify(route.body);
  const with_ = (name: string, headers: Record<string, string>, statuses?: readonly number[]): BadRequest => ({
    name: `${route.method} ${route.path}: ${name}`,
    bytes: requestBytes({ ...route, headers: { ...route.headers, ...headers } }, body),
    ...(statuses && { statuses }),
  });
  return [
    ...['', ' ', 'x'.repeat(256), 'a\tb', '\xe9\xff', '"'].map((key) =>
      with_(`Idempotency-Key ${key.slice(0, 9)}`, { 'Idempotency-Key': key }),
    ),
    ...[
      'Bearer',
      'Bearer  ',
      'Basic eDp5',
      'Bearer a.b.c',
      `Bearer ${'a'.repeat(10_000)}`,
      '\xff',
      'Bearer eyJhbGciOiJub25lIn0.e30.',
    ].map((value) => with_(`Authorization ${value.slice(0, 20)}`, { Authorization: value })),
    ...['x y', '../x', 'x'.repeat(129), '\xff'].map((id) =>
      with_(`X-Request-Id ${id.slice(0, 9)}`, { 'X-Request-Id': id }),
    ),
    ...['unknown', '999.1.1.1', ', ,', '::::', 'x'.repeat(5_000)].map((value) =>
      with_(`X-Forwarded-For ${value.slice(0, 9)}`, {
        'X-Forwarded-For': value,
        Forwarded: `for=${value.slice(0, 99)}`,
      }),
    ),
    ...['00-x', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, 'ff-'.repeat(99)].map((value) =>
      with_('traceparent', { traceparent: value }),
    ),
    with_('Accept', { Accept: ';q=x, */*;q=9, \xff', 'Accept-Encoding': '\xff', 'Accept-Language': '*'.repeat(999) }),
    with_('Range and conditions', { Range: 'bytes=-1,5-1', 'If-None-Match': '*', 'If-Modified-Since': 'x' }),
    with_('an override of the method', { 'X-HTTP-Method-Override': 'DELETE', 'X-Original-URL': '/admin' }),
    with_('Origin', { Origin: 'null', 'Access-Control-Request-Method': 'x' }),
    with_('another Host', { Host: "elsewhere.test'--" }),
    with_('an expectation', { Expect: 'the-unexpected' }, [417]),
    with_('an upgrade', { Connection: 'Upgrade, close', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }),
    with_('an upgrade to HTTP/2', {
      Connection: 'Upgrade, HTTP2-Settings, close',
      Upgrade: 'h2c',
      'HTTP2-Settings': 'x',
    }),
    with_('a long header', { 'X-Long': 'x'.repeat(20_000) }, [431]),
    with_('a flood of headers', Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`a${i}`, '1'])), [431]),
  ];
}

/** What is wrong below HTTP's surface, once for a server. */
function badWire({ method, path, headers, body }: AttackedRoute): BadRequest[] {
  const text = JSON.stringify(body ?? {});
  const credentials = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const lines = (first: string, ...more: string[]) =>
    [first, 'Host: localhost', 'Connection: close', 'Content-Type: application/json', ...credentials, ...more].join(
      CRLF,
    );
  const line = `${method} ${path} HTTP/1.1`;
  const raw = (name: string, content: string | Buffer, more: Partial<BadRequest> = {}): BadRequest => ({
    name: `on the wire: ${name}`,
    bytes: typeof content === 'string' ? Buffer.from(content, 'latin1') : content,
    ...more,
  });
  const end = CRLF + CRLF;
  const chunked = 'Transfer-Encoding: chunked';
  const length = `Content-Length: ${Buffer.byteLength(text)}`;
  const malformed = { statuses: [400] };
  return [
    raw('both lengths', `${lines(line, length, chunked)}${end}0${end}`, malformed),
    raw('both lengths, the other way round', `${lines(line, chunked, length)}${end}0${end}`, malformed),
    raw('two lengths', `${lines(line, length, 'Content-Length: 5')}${end}${text}`, malformed),
    raw('a list of lengths', `${lines(line, 'Content-Length: 5, 5')}${end}${text}`, malformed),
    raw('a negative length', `${lines(line, 'Content-Length: -1')}${end}${text}`, malformed),
    raw('a signed length', `${lines(line, 'Content-Length: +5')}${end}${text}`, malformed),
    raw('a huge length', `${lines(line, 'Content-Length: 99999999999999999999999')}${end}${text}`, malformed),
    raw('a length that is none', `${lines(line, 'Content-Length: x')}${end}${text}`, malformed),
    raw('too long a length', `${lines(line, 'Content-Length: 5000')}${end}${text}`, {
      isIncomplete: true,
      mayHangUp: true,
    }),
    raw('too short a length', `${lines(line, 'Content-Length: 1')}${end}${text}`),
    raw('another encoding of the transfer', `${lines(line, 'Transfer-Encoding: gzip')}${end}${text}`, malformed),
    raw('chunked and more', `${lines(line, 'Transfer-Encoding: chunked, identity')}${end}0${end}`, malformed),
    raw('nearly chunked', `${lines(line, 'Transfer-Encoding: xchunked')}${end}0${end}`, malformed),
    raw('a bad chunk size', `${lines(line, chunked)}${end}zz${CRLF}${text}${end}`, { mayHangUp: true }),
    raw('a negative chunk size', `${lines(line, chunked)}${end}-1${CRLF}x${end}`, { mayHangUp: true }),
    raw('a huge chunk size', `${lines(line, chunked)}${end}ffffffffffffffffff${CRLF}x${end}`, { mayHangUp: true }),
    raw('a chunk too short', `${lines(line, chunked)}${end}ff${CRLF}{}${CRLF}0${end}`, {
      isIncomplete: true,
      mayHangUp: true,
    }),
    raw('no last chunk', `${lines(line, chunked)}${end}2${CRLF}{}${CRLF}`, { isIncomplete: true, mayHangUp: true }),
    raw('a flood of chunk extensions', `${lines(line, chunked)}${end}2;${'x'.repeat(20_000)}${CRLF}{}${CRLF}0${end}`, {
      mayHangUp: true,
    }),
    raw('a trailer that is a header', `${lines(line, chunked)}${end}2${CRLF}{}${CRLF}0${CRLF}Authorization: x${end}`),
    raw(
      'chunks over the limit',
      `${lines(line, chunked)}${end}${`4000${CRLF}${' '.repeat(16_384)}${CRLF}`.repeat(70)}0${end}`,
      { statuses: [413, 401], mayHangUp: true },
    ),
    raw('no Host', `GET /health HTTP/1.1${CRLF}Connection: close${end}`, malformed),
    raw(
      'two Hosts',
      `GET /health HTTP/1.1${CRLF}Host: localhost${CRLF}Host: b${CRLF}Connection: close${end}`,
      malformed,
    ),
    raw('the same Host twice', `GET /health HTTP/1.1${CRLF}${'Host: localhost\r\n'.repeat(2)}${CRLF}`, malformed),
    raw('a foreign Host', `GET /health HTTP/1.1${CRLF}Host: evil.test${end}`, { statuses: [421] }),
    raw('another host in the address', `GET http://evil.test/health HTTP/1.1${CRLF}Host: localhost${end}`, malformed),
    raw('HTTP/1.0', `GET /health HTTP/1.0${end}`, { statuses: [200] }),
    raw('HTTP/0.9', `GET /health${end}`),
    raw('HTTP/2 at once', `PRI * HTTP/2.0${CRLF}${CRLF}SM${end}`, malformed),
    raw('HTTP/9.9', `GET /health HTTP/9.9${CRLF}Host: localhost${end}`, malformed),
    raw('a TLS hello', Buffer.from('16030100c8010000c40303', 'hex'), malformed),
    raw('a space before the colon', `GET /health HTTP/1.1${CRLF}Host : localhost${end}`, malformed),
    raw('a folded header', `GET /health HTTP/1.1${CRLF}Host: localhost${CRLF}X: b${CRLF} c${end}`, malformed),
    raw('NUL in a header', `GET /health HTTP/1.1${CRLF}Host: localhost${CRLF}X: a\0b${end}`, malformed),
    raw('CR alone', `GET /health HTTP/1.1\rHost: localhost\r\r`, malformed),
    raw('a header without a colon', `GET /health HTTP/1.1${CRLF}Host: localhost${CRLF}nothing${end}`, malformed),
    raw('a header without a name', `GET /health HTTP/1.1${CRLF}Host: localhost${CRLF}: x${end}`, malformed),
    raw(
      'bytes above ASCII in the address',
      `GET /h\xe9alth?\xff HTTP/1.1${CRLF}Host: localhost${CRLF}Connection: close${end}`,
    ),
    raw('a space in the address', `GET /a b HTTP/1.1${CRLF}Host: localhost${end}`, malformed),
    raw('an asterisk', `OPTIONS * HTTP/1.1${CRLF}Host: localhost${CRLF}Connection: close${end}`),
    raw('an authority', `CONNECT localhost:22 HTTP/1.1${CRLF}Host: localhost${end}`, { mayHangUp: true }),
    raw('an empty address', `GET  HTTP/1.1${CRLF}Host: localhost${end}`, malformed),
    raw('a very long address', `GET /${'x'.repeat(30_000)} HTTP/1.1${CRLF}Host: localhost${end}`, { statuses: [431] }),
    raw('100-continue', `${lines(line, length, 'Expect: 100-continue')}${end}${text}`),
    raw(
      'ten at once',
      `${`GET /health HTTP/1.1${CRLF}Host: localhost${end}`.repeat(9)}GET /health HTTP/1.1${CRLF}Host: localhost${CRLF}Connection: close${end}`,
      { statuses: [200] },
    ),
    raw('noise', Buffer.from(Array.from({ length: 3_000 }, (_, i) => (i * 7919) % 256)), malformed),
  ];
}

/** The corpus for a server with these routes; the first of them that takes a body is attacked on the wire as well. */
export function badRequests(routes: readonly AttackedRoute[]): BadRequest[] {
  const wire = routes.find(({ body }) => body !== undefined) ?? routes[0];
  return [
    ...(wire ? badWire(wire) : []),
    ...routes.flatMap((route) => [
      ...badBodies(route),
      ...badPaths(route),
      ...badQueries(route),
      ...badMethods(route),
      ...badHeaders(route),
    ]),
  ];
}

/** Every n-th of a list, so that about `count` are left, from all its parts. */
export const spread = <T>(list: readonly T[], count: number): T[] => {
  const step = Math.max(1, list.length / count);
  return Array.from({ length: Math.min(count, list.length) }, (_, i) => list[Math.floor(i * step)]).filter(
    (item) => item !== undefined,
  );
};

const restFailure = z.strictObject({
  success: z.literal(false),
  error: z.looseObject({
    code: z.enum(Object.keys(statusOfCode) as [string, ...string[]]),
    message: z.string().min(1),
  }),
  requestId: z.string().min(1),
});
const graphqlFailure = z.strictObject({
  errors: z
    .array(z.looseObject({ message: z.string().min(1), extensions: z.looseObject({ code: z.string() }) }))
    .min(1),
  data: z.unknown().optional(),
});
/** Statuses below any route, which have no code of their own. */
const WIRE_STATUSES = [408, 417, 421, 431];
/** In GraphQL, failures of ours come with status 200. */
const OUR_FAILURES = ['INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'UPSTREAM_TIMEOUT'];
/** Texts of libraries, of the database and of stacks: whole words, since answers quote what was sent, noise as well. */
const INNARDS =
  /node_modules|\bat \S+ \(|\.[jt]s:\d|\bprisma|\bpostgres|\bpg_|relation "|SELECT |INSERT |\b(Syntax|Type|Range)Error\b|Unexpected (token|end)|in JSON at|\bHPE_|\bECONN|\bentity\.|\bzod(error)?\b|\bundici\b|\bBigInt\b/i;

/** What is wrong with an answer to a bad request: nothing where the list is empty. */
export function faultsOf(request: BadRequest, answer: RawAnswer | undefined): string[] {
  if (answer === undefined) return request.mayHangUp ? [] : ['no answer'];
  const { status, headers, body } = answer;
  const faults: string[] = [];
  if (status >= 500) faults.push(`status ${status}`);
  if (request.statuses && !request.statuses.includes(status)) {
    faults.push(`status ${status}, not one of ${request.statuses.join(', ')}`);
  }
  const isError = status >= 400 || body.startsWith('{"errors"');
  if (!isError) return faults;
  if (INNARDS.test(body)) faults.push(`innards: ${INNARDS.exec(body)?.[0]}`);
  if (request.bytes.subarray(0, 5).toString() === 'HEAD ') return faults;
  if (headers.get('content-type')?.includes('json') !== true) return [...faults, `type ${headers.get('content-type')}`];
  return [...faults, ...formFaults(status, body)];
}

function formFaults(status: number, body: string): string[] {
  const value: unknown = body === '' ? undefined : JSON.parse(body);
  const graphql = graphqlFailure.safeParse(value);
  if (graphql.success) {
    return graphql.data.errors
      .filter(({ extensions }) => OUR_FAILURES.includes(extensions.code))
      .map(({ extensions, message }) => `${extensions.code}: ${message}`);
  }
  const rest = restFailure.safeParse(value);
  if (!rest.success) return [`not in the form of errors: ${body.slice(0, 200)}`];
  const { code, fields, details } = rest.data.error;
  if (code === 'INVALID_INPUT' && (!Array.isArray(fields) || typeof details !== 'string')) return ['no fields'];
  if (WIRE_STATUSES.includes(status)) return [];
  return statusOfCode[code as keyof typeof statusOfCode] === status ? [] : [`status ${status} with ${code}`];
}

/** Sends requests, some at once, and answers those that went wrong: what was asked, and how it was answered. */
export async function attack(
  url: string,
  requests: readonly BadRequest[],
  { atOnce = 8, onAnswer }: { atOnce?: number; onAnswer?: (request: BadRequest, answer: RawAnswer) => void } = {},
): Promise<string[]> {
  const failures: string[] = [];
  const queue = requests.values();
  const work = async () => {
    for (const request of queue) {
      try {
        const answer = await sendRaw(url, request.bytes, { isIncomplete: request.isIncomplete });
        if (answer) onAnswer?.(request, answer);
        const faults = faultsOf(request, answer);
        if (faults.length > 0)
          failures.push(`${request.name} -> ${faults.join('; ')}: ${answer?.body.slice(0, 300) ?? ''}`);
      } catch (error) {
        failures.push(`${request.name} -> ${error instanceof Error ? error.message : 'failed'}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failures;
}
