import type { JsonSchema } from '../validation/index.js';

const string = { type: 'string' };

const header = (
  description: string,
  example: unknown,
  { schema = string, required = false }: { schema?: JsonSchema; required?: boolean } = {},
) => ({
  description,
  required,
  schema,
  example,
});

/** `components.headers`. */
export const headers = {
  'X-Request-Id': header('By which our logs know the request.', 'a2b3c4d5', { required: true }),
  RateLimit: header('What is left of each limit, and seconds until it is whole again.', '"requests";r=499;t=1'),
  'RateLimit-Policy': header('Each limit: so many requests in so many seconds.', '"requests";q=500;w=1'),
  'Retry-After': header('Seconds after which another try makes sense.', 1, { schema: { type: 'integer' } }),
  'WWW-Authenticate': header('How to authenticate, and whether the token was at fault.', 'Bearer', { required: true }),
  ETag: header('The version of what is shown, for If-None-Match and If-Match.', '"1"'),
  Location: header('Where what was created is found.', '/api/v1/orders/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b', {
    required: true,
  }),
  'Content-Disposition': header(
    'That it is a file, and its name (RFC 6266).',
    'attachment; filename="personal-data.json"',
    {
      required: true,
    },
  ),
  'Idempotent-Replayed': header('true: the first answer to the key, again.', 'true'),
  Deprecation: header('Since when it is deprecated, in seconds since 1970 (RFC 9745).', '@1796083200', {
    required: true,
  }),
  Sunset: header('From when on it may be missing (RFC 8594).', 'Wed, 30 Jun 2027 00:00:00 GMT', { required: true }),
  Link: header('Where it is said what to use instead.', '<https://shop.example.com/docs/orders>; rel="deprecation"', {
    required: true,
  }),
  Allow: header('The methods that the path has.', 'GET, HEAD', { required: true }),
};

export const headerRefs = (names: readonly string[]): Record<string, object> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** What stands in the head of every answer of a route. */
export const commonHeaders = headerRefs(['X-Request-Id', 'RateLimit', 'RateLimit-Policy']);
