import { createHash } from 'node:crypto';
import { Router, type RequestHandler } from 'express';
import { markRoute } from '../observe-request.js';
import { readOnly } from '../other-methods.js';

/** How long a client need not ask again. */
export const MAX_AGE_SECONDS = 60;

/** A document in JSON, and the ETag of its content. */
interface ServedDocument {
  readonly text: string;
  readonly etag: string;
}

export function servedDocument(document: object): ServedDocument {
  const text = JSON.stringify(document);
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}

/** Answers what `read` does; 304 to whoever has it already. */
export const serveDocument =
  (read: () => ServedDocument | Promise<ServedDocument>): RequestHandler =>
  async (_request, response) => {
    const { text, etag } = await read();
    // Express compares the ETag with the request's.
    response
      .set({ 'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}`, ETag: etag })
      .type('json')
      .send(text);
  };

/** What `make` makes, made when it is first asked for. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A document in JSON at a path of its own. Nothing is made of it before somebody asks. */
export function documentRouter(at: string, make: () => object): Router {
  const document = lazily(() => servedDocument(make()));
  const router = Router({ caseSensitive: true });
  router.route(at).get(markRoute(at), serveDocument(document)).all(readOnly);
  return router;
}
