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

/** The page's options stand in it as JSON. By default each edit goes into the page's address, passwords and all. */
const start = `
const workers = ${JSON.stringify(workers)};
const urlOf = (label) => URL.createObjectURL(new Blob([workers[label]], { type: 'application/javascript' }));
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_moduleId, label) => urlOf(label) };
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  ...JSON.parse(document.getElementById('options').textContent),
  onEditQuery: () => {},
});
`;

/**
 * The tabs that a page begins with get stuck in an animation, which shows as soon as one is pressed: it jumps away from
 * under the mouse, and the click is lost.
 */
const steadyTabs = '.graphiql-tab { transform: none !important; }';

const files = { js: `${js};${start}`, css: `${css}\n${steadyTabs}\n` };
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
