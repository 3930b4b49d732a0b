import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Router, type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import { markRoute, readOnly } from '@shop/common/http';
import { z } from 'zod';
import { PUBLIC } from '../cache-control.js';
import { tabs } from './tabs.js';

/** Made by `npm run generate`; the same from src/ and from dist/. */
const directory = path.join(import.meta.dirname, '../../generated/graphiql');

const manifestSchema = z.object({ script: z.string(), style: z.string() });
type Manifest = z.infer<typeof manifestSchema>;

/** This page alone may start workers from blobs and set styles, as its editor does; it can talk to nobody but us. */
const pagePolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    workerSrc: ['blob:'],
    styleSrc: ["'self'", "'unsafe-inline'"],
    fontSrc: ['data:'],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

const options = {
  endpoint: '/graphql',
  title: 'Shop GraphiQL',
  defaultTabs: tabs,
  // What a tab's own headers hold stays in the page; the browser keeps none of them.
  shouldPersistHeaders: false,
  showPersistHeadersSettings: false,
};

const pageOf = ({ script, style }: Manifest): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Shop GraphiQL</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/graphiql/${style}">
    <script defer src="/graphiql/${script}"></script>
  </head>
  <body class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="session">
      <label>Authorization
        <input id="authorization" autocomplete="off" spellcheck="false" placeholder="of all tabs: register or login fills it in, for this session">
      </label>
    </div>
    <div id="root"></div>
    <script id="options" type="application/json">${JSON.stringify(options).replaceAll('<', '\\u003c')}</script>
  </body>
</html>
`;

/** Whether a browser asks for a page to look at, and no client for data. */
export const wantsPage = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');

/** At `/` there is nothing else: the page is for everybody who takes one, as those do who name nothing (`curl`, `ab`). */
const takesPage = (request: Request, at: string): boolean =>
  at === '/' ? request.accepts('html') !== false : wantsPage(request);

/** A file that is kept compressed; its name changes with its content. */
const asset =
  (file: string): RequestHandler =>
  async (request, response) => {
    response.type(path.extname(file)).vary('Accept-Encoding');
    // One at a time: asked for both, it goes by the order in which the client names them.
    const encoding = (['br', 'gzip'] as const).find((candidate) => request.acceptsEncodings(candidate) !== false);
    response.set('Cache-Control', 'public, max-age=31536000, immutable');
    if (encoding === undefined) {
      await pipeline(createReadStream(path.join(directory, `${file}.gz`)), createGunzip(), response);
      return;
    }
    response.set('Content-Encoding', encoding);
    response.sendFile(`${file}.${encoding === 'br' ? 'br' : 'gz'}`, { root: directory, cacheControl: false });
  };

/** GraphiQL without a network: its page at the given paths, and the script and style that belong to it. */
export async function graphiqlRouter(paths: readonly string[]): Promise<Router> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(path.join(directory, 'manifest.json'), 'utf8')));
  const page = pageOf(manifest);
  const router = Router({ caseSensitive: true });
  for (const file of Object.values(manifest)) {
    router.get(`/graphiql/${file}`, markRoute('/graphiql/*'), asset(file)).all(`/graphiql/${file}`, readOnly);
  }
  for (const at of paths) {
    router.get(at, (request, response, next) => {
      response.vary('Accept');
      if (!takesPage(request, at)) {
        next();
        return;
      }
      markRoute(at)(request, response, () => undefined);
      pagePolicy(request, response, () => {
        response.set('Cache-Control', PUBLIC).type('html').send(page);
      });
    });
    router.all(at, readOnly);
  }
  return router;
}
