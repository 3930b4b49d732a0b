import { pageMeta } from '../../paging/index.js';
import type { SuccessContent } from '../operation.js';
import type { Route } from '../route.js';
import { exampleOf, objectSchema, type JsonSchema } from '../validation/index.js';
import { errorResponsesOf } from './errors.js';
import { commonHeaders, headerRefs } from './headers.js';
import { parametersOf, showsOne } from './parameters.js';
import { exampleOfResource, schemaOf } from './schemas.js';

/** The schema of the body that a route takes, and what it is called in `components`; undefined where it takes none. */
export function bodySchemaOf({ takes: { body }, operation: { id } }: Route) {
  if (body === undefined) return undefined;
  const name = `${id.charAt(0).toUpperCase()}${id.slice(1)}Request`;
  const schema: JsonSchema = { ...objectSchema(body.rules), ...body.constraints };
  return { name, schema };
}

function requestBodyOf(route: Route): object {
  if (route.rawBody !== undefined) {
    const content = { 'application/json': { schema: { type: 'object' } } };
    return { requestBody: { description: "In the provider's own form.", required: true, content } };
  }
  const body = bodySchemaOf(route);
  if (body === undefined) return {};
  const content = { schema: { $ref: `#/components/schemas/${body.name}` }, example: exampleOf(body.schema) };
  const required = body.schema.required !== undefined || body.schema.anyOf !== undefined;
  return { requestBody: { required, content: { 'application/json': content } } };
}

/** The envelope of a success. */
function successContent(content: SuccessContent): object {
  const isList = 'list' in content;
  const resource = isList ? content.list : content.data;
  const item = resource === null ? { type: 'null' } : schemaOf(resource);
  const example = resource === null ? null : exampleOfResource(resource);
  const properties = {
    success: { const: true },
    message: { type: 'string', description: 'For people; it may change.' },
    data: isList ? { type: 'array', items: item } : item,
    ...(isList && { meta: schemaOf(pageMeta) }),
  };
  return {
    schema: { type: 'object', properties, required: Object.keys(properties) },
    example: {
      success: true,
      message: content.message,
      data: isList ? [example] : example,
      ...(isList && { meta: exampleOfResource(pageMeta) }),
    },
  };
}

const descriptionOf: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted: the outcome is not known yet.',
};

/** That a route will go, with the extension by which tools compare descriptions: https://www.oasdiff.com/docs/deprecation */
const deprecationOf = ({ deprecation }: Route): object | undefined =>
  deprecation && {
    deprecated: true,
    'x-sunset': deprecation.sunset.toISOString().slice(0, 10),
    externalDocs: { description: 'What to use instead, and from when on.', url: deprecation.link },
  };

function headersOf(status: string, content: SuccessContent, route: Route): Record<string, object> {
  const { isIdempotent = false, operation } = route;
  const showsResource = 'data' in content && content.data !== null && operation.hasVersion !== false;
  return {
    ...commonHeaders,
    ...headerRefs([
      ...(showsResource ? ['ETag'] : []),
      ...(status === '201' ? ['Location'] : []),
      ...(route.answersFile ? ['Content-Disposition'] : []),
      ...(isIdempotent ? ['Idempotent-Replayed'] : []),
      ...(route.deprecation ? ['Deprecation', 'Sunset', 'Link'] : []),
    ]),
  };
}

const successesOf = (route: Route): object =>
  Object.fromEntries(
    Object.entries(route.operation.replies).map(([status, content]) => [
      status,
      {
        description: descriptionOf[status],
        headers: headersOf(status, content, route),
        content: { 'application/json': successContent(content) },
      },
    ]),
  );

const notModified = { description: 'It is still the version of If-None-Match.', headers: commonHeaders };

/** A route as an operation of OpenAPI 3.1. */
export function operationObject(route: Route, tag: string): object {
  const { id, summary, description } = route.operation;
  const sentences = [route.access === 'admin' ? 'For admins only.' : '', description ?? ''].filter(
    (text) => text !== '',
  );
  return {
    operationId: id,
    summary,
    description: sentences.length > 0 ? sentences.join(' ') : undefined,
    tags: [tag],
    ...deprecationOf(route),
    security: route.access === 'public' ? [] : [{ bearer: [] }],
    parameters: parametersOf(route),
    ...requestBodyOf(route),
    responses: {
      ...successesOf(route),
      ...(showsOne(route) && { 304: notModified }),
      ...errorResponsesOf(route),
    },
  };
}
