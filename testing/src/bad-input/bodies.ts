import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { MAX_ORDER_BYTES } from '@shop/common/contracts';
import { requestBytes, type AttackedRoute, type BadRequest, type JsonValue } from './bad-request.js';

/** Of the routes and operations that take the largest ones: no other takes as much. */
const MAX_BODY_BYTES = MAX_ORDER_BYTES;

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

export function badBodies(route: AttackedRoute): BadRequest[] {
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
