import { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type Router } from 'express';
import type { AccessTokenVerifier } from '../auth/index.js';
import type { AllowedOrigins } from '../config/index.js';
import type { IdempotencyStore } from '../idempotency/index.js';
import type { Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';
import type { Counts } from '../process/index.js';
import type { Tracing } from '../tracing/index.js';
import { Admission } from './admission.js';
import { withEntry } from './entry.js';
import { errorHandler, notFound } from './error-handler.js';
import { healthRouter, type Probe } from './health.js';
import type { Listener } from './http-server.js';
import { withIdempotency } from './idempotency.js';
import { buildOpenApi } from './openapi/document.js';
import { documentRouter } from './openapi/serve-document.js';
import { swaggerUi } from './openapi/swagger-ui.js';
import { publicDocuments, type PublicDocument } from './public-document.js';
import type { Route } from './route.js';
import { buildRouter } from './router.js';

export interface ServiceAppOptions {
  service: string;
  version: string;
  logger: Logger;
  metrics: Metrics;
  /** Absent: no traces are made. */
  tracing?: Tracing | undefined;
  verifier: AccessTokenVerifier;
  probes: Readonly<Record<string, Probe>>;
  isStopping: () => boolean;
  corsOrigins: AllowedOrigins;
  /** Addresses or networks whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  requestsPerSecond: number;
  /** Where requests are counted; absent: in this process. */
  counts?: Counts | undefined;
  /** Routes by the path that they stand below, such as /api/v1/orders. */
  routes: Readonly<Record<string, readonly Route[]>>;
  /** For routes that are idempotent. */
  idempotency?: IdempotencyStore;
  /** Whether an unexpected error means that a dependency can't be reached now: 503 rather than 500. */
  isUnavailable?: (error: unknown) => boolean;
  /** What is the same for everybody, such as /.well-known/jwks.json. */
  documents?: readonly PublicDocument[] | undefined;
  /** Makes the document at /asyncapi.json; absent: there is none. */
  events?: (() => object) | undefined;
  /** Whether people find Swagger UI at /docs; absent: no. */
  apiDocsEnabled?: boolean | undefined;
}

/**
 * An Express app with what every app here starts from: bare, and quiet about itself. It believes no proxy's headers; the
 * client's address is in the request's scope.
 */
export function baseApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  return app;
}

/** Messages that are what Express makes of each of them from the start: to change what an object is costs as much as a route. */
function messagesOf(app: Express): Listener['messages'] {
  class Request extends IncomingMessage {}
  class Response<R extends IncomingMessage> extends ServerResponse<R> {}
  Object.setPrototypeOf(Request.prototype, app.request);
  Object.setPrototypeOf(Response.prototype, app.response);
  Object.assign(app, { request: Request.prototype, response: Response.prototype });
  return { IncomingMessage: Request, ServerResponse: Response };
}

/** Answers requests; its routes can be looked at. */
export type ServiceApp = Listener & { readonly router: Router };

/** A service's whole HTTP face, top to bottom the way of a request. It opens no port and no connection. */
export function buildServiceApp(options: ServiceAppOptions): ServiceApp {
  const { logger, verifier, requestsPerSecond, routes, idempotency } = options;
  const gates = {
    verifier,
    admission: new Admission({ requestsPerSecond, counts: options.counts }),
    once: idempotency && withIdempotency({ store: idempotency, logger }),
  };
  const app = baseApp();
  // First, since they are asked most: each router before is asked for nothing.
  for (const [path, table] of Object.entries(routes)) app.use(path, buildRouter(path, table, gates));
  app.use(healthRouter(options));
  app.use(publicDocuments(options.documents ?? []));
  app.use(documentRouter('/openapi.json', () => buildOpenApi(options)));
  if (options.events) app.use(documentRouter('/asyncapi.json', options.events));
  if (options.apiDocsEnabled) app.use(swaggerUi([{ name: options.service, url: '/openapi.json' }]));
  app.use(notFound);
  app.use(errorHandler(logger, options.isUnavailable));
  return Object.assign(withEntry(options, app), { router: app.router, messages: messagesOf(app) });
}
