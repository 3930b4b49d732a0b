import { pageRules } from '../list-query.js';
import { isChange, type Route } from '../route.js';
import type { Rule } from '../validation/index.js';

/** One or several entity tags, or `*` (RFC 9110, 13.1.1). */
const ENTITY_TAGS = '^(\\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$';

const componentName = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** Rules that many routes share, and what they are called in `components`. */
const shared = new Map<Rule<unknown>, string>(
  Object.entries(pageRules).map(([name, rule]) => [rule, componentName(name)]),
);

/** A rule as a parameter. */
function parameter(name: string, place: 'path' | 'query', { schema, optional }: Rule<unknown>): object {
  const { description, examples, ...rest } = schema;
  const [example] = Array.isArray(examples) ? (examples as readonly unknown[]) : [];
  return {
    name,
    in: place,
    required: !optional,
    description,
    schema: rest,
    // Several values stand in one parameter, separated by commas.
    ...(schema.type === 'array' && { style: 'form', explode: false }),
    // Pages to try things out on would fill in optional ones, too.
    ...(!optional && { example }),
  };
}

/** `components.parameters`. */
export const parameterComponents = (): Record<string, object> => ({
  ...Object.fromEntries(
    Object.entries(pageRules).map(([name, rule]) => [componentName(name), parameter(name, 'query', rule)]),
  ),
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    required: false,
    description: 'The `ETag` of what the client has: 304 where it is still the same.',
    schema: { type: 'string' },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    required: false,
    description: 'The `ETag` of what the client has: 412 where it has become another version.',
    schema: { type: 'string', pattern: ENTITY_TAGS },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Makes the request safe to repeat: for 24 hours the same user, key and request get the first answer again.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]+$' },
  },
});

/** Whether a route shows one resource, which may have a version. */
export const showsOne = ({ method, operation }: Route): boolean =>
  method === 'GET' &&
  operation.hasVersion !== false &&
  Object.values(operation.replies).some((content) => 'data' in content && content.data !== null);

const headerParametersOf = (route: Route): object[] => {
  const names = [
    ...(route.isIdempotent ? ['IdempotencyKey'] : []),
    ...(showsOne(route) ? ['IfNoneMatch'] : []),
    ...(isChange(route.method) ? ['IfMatch'] : []),
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
};

export const parametersOf = (route: Route): object[] => [
  ...Object.entries(route.takes.params?.rules ?? {}).map(([name, rule]) => parameter(name, 'path', rule)),
  ...headerParametersOf(route),
  ...Object.entries(route.takes.query?.rules ?? {}).map(([name, rule]) => {
    const component = shared.get(rule);
    return component === undefined ? parameter(name, 'query', rule) : { $ref: `#/components/parameters/${component}` };
  }),
];
