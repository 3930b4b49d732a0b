import { healthAnswer, readinessAnswer } from '../health-answers.js';
import type { PublicDocument } from '../public-document.js';
import type { JsonSchema } from '../validation/index.js';
import { headerRefs } from './headers.js';
import { schemaOf } from './schemas.js';

const headers = headerRefs(['X-Request-Id']);

const answer = (description: string, schema: JsonSchema, type = 'application/json') => ({
  description,
  headers,
  content: { [type]: { schema } },
});

const unchanged = { description: 'It is still the one that If-None-Match names.', headers };

const misdirected = {
  description: 'Asked by a name that is none of its own.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/InvalidInput' } } },
};

/** A path that everybody may read, and that answers no envelope. */
const openPath = (operationId: string, summary: string, tag: string, responses: Readonly<Record<string, object>>) => ({
  get: { operationId, summary, tags: [tag], security: [], responses: { ...responses, 421: misdirected } },
});

export const PROCESS_TAG = { name: 'process', description: 'About the process itself.' };

/** What every process answers beside its routes. */
export const processPaths = ({ withEvents }: { withEvents: boolean }) => ({
  '/health': openPath('getHealth', 'Whether the process is alive', PROCESS_TAG.name, {
    200: answer('It is.', schemaOf(healthAnswer)),
  }),
  '/ready': openPath('getReadiness', 'Whether the process can take requests', PROCESS_TAG.name, {
    200: answer('It can, also while something is down that it can do without.', schemaOf(readinessAnswer)),
    503: answer('Its own database is down, or it is stopping.', schemaOf(readinessAnswer)),
  }),
  '/metrics': openPath('getMetrics', 'Its metrics, for Prometheus', PROCESS_TAG.name, {
    200: answer('In the text format of Prometheus.', { type: 'string' }, 'text/plain'),
  }),
  '/openapi.json': openPath('getOpenApi', 'This document', PROCESS_TAG.name, {
    200: answer('A document of OpenAPI 3.1.', { type: 'object' }),
    304: unchanged,
  }),
  ...(withEvents && {
    '/asyncapi.json': openPath('getAsyncApi', 'The events of all services', PROCESS_TAG.name, {
      200: answer('A document of AsyncAPI 3.0.', { type: 'object' }),
      304: unchanged,
    }),
  }),
});

export const DISCOVERY_TAG = { name: 'discovery', description: 'What others need to verify access tokens.' };

export const discoveryPaths = (documents: readonly PublicDocument[]) =>
  Object.fromEntries(
    documents.map(({ path, id, summary, schema }) => [
      path,
      openPath(id, summary, DISCOVERY_TAG.name, { 200: answer('The document.', schemaOf(schema)) }),
    ]),
  );
