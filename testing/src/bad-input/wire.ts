import { CRLF, type AttackedRoute, type BadRequest } from './bad-request.js';

/** What is wrong below HTTP's surface, once for a server. */
export function badWire({ method, path, headers, body }: AttackedRoute): BadRequest[] {
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
