import type { PublicDocument } from '../public-document.js';
import type { Route } from '../route.js';
import type { JsonSchema } from '../validation/index.js';
import { errorResponses, errorSchemas } from './errors.js';
import { headers } from './headers.js';
import { bodySchemaOf, operationObject } from './operation-object.js';
import { parameterComponents } from './parameters.js';
import { DISCOVERY_TAG, discoveryPaths, PROCESS_TAG, processPaths } from './process-paths.js';
import { resourceSchemas } from './schemas.js';

type Components = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A document of OpenAPI 3.1, as far as others here have to know it. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly object[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly components: Components;
}

export interface DescribedService {
  readonly service: string;
  readonly version: string;
  /** Routes by the path that they stand below, such as /api/v1/orders. */
  readonly routes: Readonly<Record<string, readonly Route[]>>;
  readonly documents?: readonly PublicDocument[];
  /** Makes the document at /asyncapi.json; absent: there is none. */
  readonly events?: (() => object) | undefined;
}

const conventions = `Every answer is \`{ success, message, data, meta? }\` or \`{ success, error: { code, message, ... }, requestId }\`.
Tell errors apart by \`error.code\`, and ignore fields that you do not know: fields are only ever added.

- **Authorization**: \`Authorization: Bearer\` and the token that registering or logging in answers.
- **Lists** have pages: \`limit\` and \`offset\`, or \`cursor\` from \`meta.nextCursor\`. Unknown query parameters are refused.
- **Money** is a number in major units, with at most the decimals of its currency.
- **Repeating**: POST requests that create or charge take an \`Idempotency-Key\`.
- **Tracing**: requests can carry an \`X-Request-Id\` and a W3C \`traceparent\`; answers say by which they are logged.`;

const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'The `token` that registering, logging in or refreshing answers: a JWT in the form of RFC9068, held to RFC8725.',
  },
};

/** `info` and `servers` of every document. */
export const documentHead = ({ title, version }: { title: string; version: string }) =>
  ({
    openapi: '3.1.1',
    info: { title, version, description: conventions, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/', description: 'Where this document comes from' }],
  }) as const;

/** `/:id` is written `/{id}`. */
const templateOf = (base: string, path: string): string =>
  `${base}${path === '/' ? '' : path.replaceAll(/:(\w+)/g, '{$1}')}`;

const tagOf = (base: string): string => base.split('/').at(-1) ?? base;

/** Only what `paths` refer to, directly or through others. */
export function usedComponents(paths: object, components: Components): Components {
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [ref, section = '', name = ''] of JSON.stringify(value).matchAll(/#\/components\/(\w+)\/([\w-]+)/g)) {
      if (used.has(ref)) continue;
      used.add(ref);
      visit(components[section]?.[name] ?? null);
    }
  };
  visit(paths);
  const isUsed =
    (section: string) =>
    ([name]: [string, unknown]) =>
      used.has(`#/components/${section}/${name}`);
  return Object.fromEntries(
    Object.entries(components).map(([section, parts]) => [
      section,
      Object.fromEntries(Object.entries(parts).filter(isUsed(section))),
    ]),
  );
}

/** The document of a service, made of the very tables that it answers by. */
export function buildOpenApi({ service, version, routes, documents = [], events }: DescribedService): OpenApiDocument {
  const paths: Record<string, Record<string, object>> = {};
  const bodies: Record<string, JsonSchema> = {};
  for (const [base, table] of Object.entries(routes)) {
    for (const route of table) {
      const path = (paths[templateOf(base, route.path)] ??= {});
      path[route.method.toLowerCase()] = operationObject(route, tagOf(base));
      const body = bodySchemaOf(route);
      if (body !== undefined) bodies[body.name] = body.schema;
    }
  }
  Object.assign(paths, discoveryPaths(documents), processPaths({ withEvents: events !== undefined }));
  const components = usedComponents(paths, {
    schemas: { ...resourceSchemas(), ...bodies, ...errorSchemas() },
    responses: errorResponses(),
    parameters: parameterComponents(),
    headers,
  });
  return {
    ...documentHead({ title: service, version }),
    tags: [
      ...Object.keys(routes).map((base) => ({ name: tagOf(base), description: `Everything below ${base}.` })),
      ...(documents.length > 0 ? [DISCOVERY_TAG] : []),
      PROCESS_TAG,
    ],
    paths,
    components: { ...components, securitySchemes },
  };
}
