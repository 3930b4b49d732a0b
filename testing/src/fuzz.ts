import fc from 'fast-check';
import { fieldsOf, requestBytes, withField, type AttackedRoute, type BadRequest } from './bad-input/index.js';

const ID = '0199a000-0000-7000-8000-000000000000';
/** Text of which a part can't be seen, joins, combines or changes direction. */
const unseen = fc
  .array(
    fc.constantFrom(
      ...['\u200b', '\u200d', '\u202e', '\u00ad', '\u3164', '\u2800', '\ue000', '\u0301', 'a', '@', '👩'],
    ),
  )
  .map((parts) => parts.join(''));
const digits = (length: number) =>
  fc.integer({ min: 0, max: 10 ** length - 1 }).map((n) => `${n}`.padStart(length, '0'));
/** Dates and times that exist, or nearly. */
const nearlyTime = fc
  .tuple(digits(4), digits(2), digits(2), digits(2), digits(2), fc.constantFrom('', '.5', '.999999999'), digits(2))
  .map(
    ([y, month, day, hour, minute, fraction, offset]) =>
      `${y}-${month}-${day}T${hour}:${minute}:59${fraction}+${offset}:00`,
  );
const realTime = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
/** What looks like a cursor, and holds anything. */
const nearlyCursor = fc
  .tuple(
    fc.oneof(fc.maxSafeInteger(), fc.double(), fc.string()),
    fc.oneof(fc.constant(ID), fc.uuid(), fc.string()),
    fc.string(),
  )
  .map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url'));

/**
 * JSON of any kind, with the values that programs stumble on more often than others. Made when it is asked for: a map of all
 * characters takes a second.
 */
const hostile = () =>
  fc.oneof(
    fc.json({ maxDepth: 6, stringUnit: 'binary' }),
    fc.oneof(unseen, nearlyTime, fc.string({ unit: 'binary', maxLength: 2_000 })).map((text) => JSON.stringify(text)),
    fc.double().map((number) => String(number)),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
    fc.array(fc.uuid(), { maxLength: 200 }).map((ids) => JSON.stringify(ids)),
    fc.date().map((date) => JSON.stringify(date)),
    fc.stringMatching(/^[[\]{}",:0-9eE+\-.truefalsn ]{1,80}$/), // nearly JSON, or not
  );

/**
 * So many requests with any value in the place of any field, any text in that of a path or a parameter, any bytes in that
 * of a body. The same seed makes the same ones.
 */
export function fuzzed(
  routes: readonly AttackedRoute[],
  { count, seed }: { count: number; seed: number },
): BadRequest[] {
  const withBody = routes.filter(({ body }) => body !== undefined);
  const withQuery = routes.filter(({ query }) => query !== undefined);
  const printable = fc
    .oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), unseen, nearlyTime, realTime, nearlyCursor)
    .map(encodeURIComponent);
  const field = fc.tuple(fc.constantFrom(...withBody), fc.nat(), hostile()).map(([route, nth, value]) => {
    const fields = fieldsOf(route);
    return withField(route, fields[nth % Math.max(1, fields.length)] ?? [], value);
  });
  const bytes = fc.tuple(fc.constantFrom(...withBody), fc.uint8Array({ maxLength: 3_000 })).map(([route, content]) => ({
    name: `${route.method} ${route.path}: ${Buffer.from(content.subarray(0, 40)).toString('hex')}`,
    bytes: requestBytes(route, Buffer.from(content)),
  }));
  const path = fc.tuple(fc.constantFrom(...routes), printable).map(([route, text]) => ({
    name: `${route.method} ${route.path}/${text}`,
    bytes: requestBytes({ ...route, path: `${route.path}/${text}` }, route.body && JSON.stringify(route.body)),
  }));
  const query = fc.tuple(fc.constantFrom(...withQuery), fc.nat(), printable).map(([route, nth, text]) => {
    const names = Object.keys(route.query ?? {});
    const target = `${route.path}?${names[nth % names.length]}=${text}`;
    return { name: `${route.method} ${target}`, bytes: requestBytes({ ...route, path: target }) };
  });
  const kinds = withQuery.length > 0 ? [bytes, path, { arbitrary: query, weight: 2 }] : [bytes, path];
  return fc.sample(fc.oneof({ arbitrary: field, weight: 4 }, ...kinds), { numRuns: count, seed });
}
