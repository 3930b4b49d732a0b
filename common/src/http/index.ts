export { Bulkhead, type Admit } from './bulkhead.js';
export { auditRoutes, toAuditResource } from './audit-routes.js';
export { bearerToken } from './authenticate.js';
export { addressBlock } from './client-address.js';
export { corsPolicy } from './cors.js';
export { addHeader } from './answer-headers.js';
export { withEntry, type EntryParts } from './entry.js';
export { errorBody, errorHandler, notFound, statusOfCode } from './error-handler.js';
export type { DependencyState } from './health-answers.js';
export { healthRouter, type HealthOptions, type Probe } from './health.js';
export { listen, type HttpServer, type Listener } from './http-server.js';
export { leaseOf, idempotencyKey } from './idempotency.js';
export { isJsonType, isPlainEncoding, MAX_BODY_BYTES, parseJson } from './json-body.js';
export { markRoute, noteRoute, routeOf } from './observe-request.js';
export { pageRules, perGroupRule } from './list-query.js';
export { clientKey, createRateLimit, type Client, type RateLimit } from './rate-limit.js';
export { OverloadGuard, type OverloadGuardOptions } from './overload/overload-guard.js';
export { readOnly } from './other-methods.js';
export { accepted, created, deleted, ok, page, type JsonFile, type Reply } from './reply.js';
export type { Operation } from './operation.js';
export { buildOpenApi, documentHead, usedComponents, type OpenApiDocument } from './openapi/document.js';
export { edgeComponents, edgeResponses } from './openapi/edge.js';
export { documentRouter, lazily, servedDocument, serveDocument } from './openapi/serve-document.js';
export { swaggerUi, type OfferedDescription } from './openapi/swagger-ui.js';
export type { PublicDocument } from './public-document.js';
export {
  fileRoute,
  publicRoute,
  route,
  webhookRoute,
  type FileInput,
  type Input,
  type Method,
  type PublicInput,
  type Route,
  type WebhookInput,
} from './route.js';
export { Admission } from './admission.js';
export { buildRouter, type Gates } from './router.js';
export { baseApp, buildServiceApp, type ServiceApp, type ServiceAppOptions } from './service-app.js';
export { ServiceClient, type ServiceAnswer, type ServiceCall } from './service-client.js';
export * from './validation/index.js';
