import { createHash } from 'node:crypto';
import { Router } from 'express';
import { lazily, markRoute, readOnly } from '@shop/common/http';
import type { buildAsyncApi } from '@shop/common/messaging/broadcast';
import { PUBLIC } from './cache-control.js';

const AT = '/docs/events';

type AsyncApi = ReturnType<typeof buildAsyncApi>;

const style = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em }
pre { overflow: auto; max-height: 30rem }
h2 { margin-bottom: 0 }`;

/** Nothing runs on the page, and nothing is fetched for it. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  ...['base-uri', 'form-action', 'frame-ancestors'].map((name) => `${name} 'none'`),
].join(';');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);

/** Own page: AsyncAPI's HTML template brings a React application of some megabytes, with inline scripts. */
export function eventsPage({ info, components }: AsyncApi): string {
  const sections = Object.values(components.messages).map(
    ({ name, summary, description, payload }) => `<section id="${escape(name)}">
<h2><code>${escape(name)}</code></h2>
<p>${escape(summary)} ${escape(description)}</p>
<details><summary>JSON Schema</summary><pre>${escape(JSON.stringify(payload.schema, undefined, 2))}</pre></details>
</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Events</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<h1>Events</h1>
<p>${escape(info.description)}</p>
<p>For programs: <a href="/asyncapi.json">/asyncapi.json</a>, in AsyncAPI 3.</p>
${sections.join('\n')}
</body>
</html>
`;
}

/** The events of all services, as a page. */
export function eventsPageRouter(read: () => AsyncApi): Router {
  const page = lazily(() => eventsPage(read()));
  const router = Router({ caseSensitive: true });
  router
    .route(AT)
    .get(markRoute(AT), (_request, response) => {
      response.set({ 'Cache-Control': PUBLIC, 'Content-Security-Policy': policy }).type('html').send(page());
    })
    .all(readOnly);
  return router;
}
