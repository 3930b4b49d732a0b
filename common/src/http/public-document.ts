import { Router } from 'express';
import type { z } from 'zod';
import { markRoute } from './observe-request.js';
import { readOnly } from './other-methods.js';
import { sendJson } from './reply.js';

/** A document in JSON at a path of its own, the same for everybody, so that it may be cached. */
export interface PublicDocument {
  readonly path: string;
  /** As of an Operation. */
  readonly id: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly content: object;
  readonly maxAgeSeconds: number;
}

export function publicDocuments(documents: readonly PublicDocument[]): Router {
  const router = Router({ caseSensitive: true });
  for (const { path, content, maxAgeSeconds } of documents) {
    router
      .route(path)
      .all(markRoute(path))
      .get((_request, response) => {
        response.set('Cache-Control', `public, max-age=${maxAgeSeconds}`);
        sendJson(response, 200, content);
      })
      .all(readOnly);
  }
  return router;
}
