import { requestBytes, type AttackedRoute, type BadRequest } from './bad-request.js';

export function badMethods(route: AttackedRoute): BadRequest[] {
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

export function badHeaders(route: AttackedRoute): BadRequest[] {
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
