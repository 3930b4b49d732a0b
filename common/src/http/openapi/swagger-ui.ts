import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { Router, type RequestHandler } from 'express';
import helmet from 'helmet';
import { z } from 'zod';
import { markRoute } from '../observe-request.js';
import { readOnly } from '../other-methods.js';
import { lazily, MAX_AGE_SECONDS } from './serve-document.js';

const AT = '/docs';

/** As of the documents that it shows. */
const PAGE_CACHE_CONTROL = `public, max-age=${MAX_AGE_SECONDS}`;

const require = createRequire(import.meta.url);
const packageFile = require.resolve('swagger-ui-dist/package.json');
const { version } = z.object({ version: z.string() }).parse(require(packageFile));

/** What the page does in the browser. A token stays there until it is taken out; nobody outside is asked to validate. */
const start = `const { urls } = JSON.parse(document.getElementById('options').textContent);
SwaggerUIBundle({
  urls,
  dom_id: '#swagger-ui',
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: 'StandaloneLayout',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/** Where the files are: another place whenever their content changes. */
const folder = `${AT}/${version}-${createHash('sha256').update(start).digest('hex').slice(0, 8)}`;

const STYLE = 'swagger-ui.css';
const SCRIPTS = ['swagger-ui-bundle.js', 'swagger-ui-standalone-preset.js'];
const START = 'start.js';

/** Nothing but its own scripts runs, and the page can send nothing to anybody else. Its style sheet has pictures. */
const pagePolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/** A description that the page offers. */
export interface OfferedDescription {
  readonly name: string;
  readonly url: string;
}

const pageOf = (urls: readonly OfferedDescription[]): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${folder}/${STYLE}">
${[...SCRIPTS, START].map((file) => `    <script defer src="${folder}/${file}"></script>`).join('\n')}
  </head>
  <body>
    <noscript>Swagger UI needs JavaScript; the description itself is at ${urls.map(({ url }) => url).join(', ')}</noscript>
    <div id="swagger-ui"></div>
    <script id="options" type="application/json">${JSON.stringify({ urls }).replaceAll('<', '\\u003c')}</script>
  </body>
</html>
`;

/** The last levels of brotli take ten times as long for a few per cent. */
const compress = {
  br: (content: Buffer) => promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (content: Buffer) => promisify(gzip)(content),
};

/** A file, read and compressed when it is first asked for. */
function asset(file: string, read: () => Buffer): RequestHandler {
  const plain = lazily(read);
  const made = { br: lazily(() => compress.br(plain())), gzip: lazily(() => compress.gzip(plain())) };
  return async (request, response) => {
    // One at a time: asked for both, it goes by the order in which the client names them.
    const encoding = (['br', 'gzip'] as const).find((candidate) => request.acceptsEncodings(candidate) !== false);
    response.set('Cache-Control', 'public, max-age=31536000, immutable').vary('Accept-Encoding');
    if (encoding !== undefined) response.set('Content-Encoding', encoding);
    response.type(path.extname(file)).send(encoding === undefined ? plain() : await made[encoding]());
  };
}

/** Swagger UI at /docs, with no need of a network: its page, and the files that belong to it. */
export function swaggerUi(descriptions: readonly OfferedDescription[]): Router {
  const router = Router({ caseSensitive: true });
  const page = pageOf(descriptions);
  router
    .route(AT)
    .get(markRoute(AT), pagePolicy, (_request, response) => {
      response.set('Cache-Control', PAGE_CACHE_CONTROL).type('html').send(page);
    })
    .all(readOnly);
  const serve = (file: string, read: () => Buffer) =>
    router
      .route(`${folder}/${file}`)
      .get(markRoute(`${AT}/*`), asset(file, read))
      .all(readOnly);
  for (const file of [STYLE, ...SCRIPTS]) serve(file, () => readFileSync(path.join(path.dirname(packageFile), file)));
  serve(START, () => Buffer.from(start));
  return router;
}
