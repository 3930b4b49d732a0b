import { Router } from 'express';
import { lazily, markRoute, readOnly, servedDocument, serveDocument } from '@shop/common/http';
import { buildAsyncApi } from '@shop/common/messaging';

const AT = '/asyncapi.json';

/** /asyncapi.json: the events of all services. No service is asked: all know the same contracts. */
export function asyncApiRouter(parts: Parameters<typeof buildAsyncApi>[0]): Router {
  const document = lazily(() => servedDocument(buildAsyncApi(parts)));
  const router = Router({ caseSensitive: true });
  router.route(AT).get(markRoute(AT), serveDocument(document)).all(readOnly);
  return router;
}
