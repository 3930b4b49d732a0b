import { Router } from 'express';
import { markRoute } from '../observe-request.js';
import { readOnly } from '../other-methods.js';
import { buildOpenApi, type DescribedService } from './document.js';
import { lazily, servedDocument, serveDocument } from './serve-document.js';

/** /openapi.json of a service. Nothing is made of it before somebody asks. */
export function openApiRouter(service: DescribedService): Router {
  const document = lazily(() => servedDocument(buildOpenApi(service)));
  return Router()
    .get('/openapi.json', markRoute('/openapi.json'), serveDocument(document))
    .all('/openapi.json', readOnly);
}
