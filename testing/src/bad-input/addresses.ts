import { requestBytes, type AttackedRoute, type BadRequest } from './bad-request.js';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

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

export function badPaths(route: AttackedRoute): BadRequest[] {
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

export function badQueries(route: AttackedRoute): BadRequest[] {
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
