/**
 * Makes GraphiQL's script and style of the published bundle, which is meant to stand inside a page: compressed files whose
 * names carry a hash of their content, in generated/graphiql/. Nothing is done where they are there already.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { css, editorWorkerService, graphqlWorker, js, jsonWorker } from '@graphql-yoga/render-graphiql/graphiql';

const target = path.join(import.meta.dirname, '../generated/graphiql');
const workers = { editorWorkerService, json: jsonWorker, graphql: graphqlWorker };

/** In a scope of its own: the bundle has names of one letter in the global one. */
const start = `(() => {
const workers = ${JSON.stringify(workers)};
const urlOf = (label) => URL.createObjectURL(new Blob([workers[label]], { type: 'application/javascript' }));
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_moduleId, label) => urlOf(label) };
${await readFile(path.join(import.meta.dirname, 'graphiql-page.js'), 'utf8')}
})();
`;

/** Shown errors are for the one who wrote the query, who has no use of a stack trace. */
function withoutStacks(script: string): string {
  const shown = '{message:n.message,stack:n.stack}';
  if (script.split(shown).length !== 2) throw new Error('GraphiQL shows errors in another way than it did');
  return script.replace(shown, '{message:n.message}');
}

/**
 * The tabs that a page begins with get stuck in an animation, which shows as soon as one is pressed: it jumps away from
 * under the mouse, and the click is lost.
 */
const steadyTabs = '.graphiql-tab { transform: none !important; }';

/** The bar above GraphiQL, in its colours. */
const bar = `
:root { color-scheme: light dark; }
body.graphiql-light { color-scheme: light; }
body.graphiql-dark { color-scheme: dark; }
body { display: flex; flex-direction: column; height: 100vh; margin: 0; background: light-dark(#e8eaee, #212a3b); }
#root { flex: 1; min-height: 0; }
#session { display: flex; gap: 12px; padding: 8px 16px 0 68px; font: 14px sans-serif; color: light-dark(#3b4b68, #b7c2d7); }
#session label { display: flex; flex: 1; gap: 12px; align-items: center; }
#authorization { flex: 1; padding: 4px 8px; font: 13px monospace; border: 1px solid light-dark(#b7c2d7, #4a5a78);
  border-radius: 4px; background: light-dark(#fff, #2d3547); color: light-dark(#1a2233, #e8eaee); }
`;

const files = { js: `${withoutStacks(js)};${start}`, css: `${css}\n${steadyTabs}\n${bar}` };
const nameOf = (type: keyof typeof files): string =>
  `graphiql-${createHash('sha256').update(files[type]).digest('hex').slice(0, 16)}.${type}`;
const manifest = `${JSON.stringify({ script: nameOf('js'), style: nameOf('css') })}\n`;
const manifestPath = path.join(target, 'manifest.json');

const isMade = async (): Promise<boolean> => {
  try {
    await access(manifestPath);
    return (await readFile(manifestPath, 'utf8')) === manifest;
  } catch {
    return false;
  }
};

/** The last levels of brotli take ten times as long for a few per cent. */
const compressed = async (text: string) => ({
  br: await promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gz: await promisify(gzip)(text, { level: 9 }),
});

if (!(await isMade())) {
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  for (const type of ['js', 'css'] as const) {
    for (const [encoding, bytes] of Object.entries(await compressed(files[type]))) {
      await writeFile(path.join(target, `${nameOf(type)}.${encoding}`), bytes);
    }
  }
  // Last: it says that all the rest is there.
  await writeFile(manifestPath, manifest);
}
