import { Router } from 'express';
import { markRoute } from '../observe-request.js';
import { readOnly } from '../other-methods.js';
import { buildOpenApi, type DescribedService } from './document.js';
import { lazily, servedDocument, serveDocument } from './serve-document.js';

/** A document in JSON at a path of its own. Nothing is made of it before somebody asks. */
export function documentRouter(at: string, make: () => object): Router {
  const document = lazily(() => servedDocument(make()));
  const router = Router({ caseSensitive: true });
  router.route(at).get(markRoute(at), serveDocument(document)).all(readOnly);
  return router;
}

/** /openapi.json of a service. */
export const openApiRouter = (service: DescribedService): Router =>
  documentRouter('/openapi.json', () => buildOpenApi(service));
