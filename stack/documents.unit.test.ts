import { globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');

/** Folders that are installed, built, or hold data. */
const madeFolders = new Set(['.git', '.native', 'node_modules', 'dist', 'generated', 'coverage']);

/** Every file and folder of the repository. */
function entriesBelow(folder: string): string[] {
  return readdirSync(path.join(repository, folder), { withFileTypes: true })
    .filter(({ name }) => !madeFolders.has(name))
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      return entry.isDirectory() ? [name, ...entriesBelow(name)] : [name];
    });
}

const entries = entriesBelow('.');
const topFolders = new Set(entries.filter((name) => name.includes('/')).map((name) => name.split('/')[0]));
const tests = entries.filter((name) => name.endsWith('.test.ts'));
const makefile = read('Makefile');
const targets = Array.from(makefile.matchAll(/^([a-z-]+):/gm), ([, target = '']) => target);
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const { name: common } = JSON.parse(read('common/package.json')) as { name: string };
const projects = [
  ...Array.from(read('jest.config.js').matchAll(/\w+\('(\w+)', '/g), ([, name = '']) => name),
  ...globSync('*-service', { cwd: repository }).map((name) => name.replace(/-service$/, '')),
];
const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** `<feature>.routes.ts` stands for that of every feature, `run-*` for every such target. */
const patternOf = (name: string): RegExp =>
  new RegExp(
    `(^|/)${name
      .split(/<[\w-]+>|\*+/)
      .map(escaped)
      .join('[^/]*')}$`,
  );

/** Code in a document: spans in its text, and the lines of what is shown as a shell's. */
function codeIn(text: string): string[] {
  const fences = [...text.matchAll(/^ *```(\w*)\n([^]*?)^ *```$/gm)];
  const shells = fences.filter(([, language = '']) => ['sh', 'bash'].includes(language));
  const lines = shells.flatMap(([, , body = '']) => body.split('\n').map((line) => line.replace(/(^|\s)# .*$/, '')));
  const prose = fences.reduce((rest, [fence]) => rest.replace(fence, ''), text);
  return [...lines, ...Array.from(prose.matchAll(/`([^`\n]+)`/g), ([, span = '']) => span)];
}

/** What of a piece of code is the name of a file or folder of ours. */
function pathsIn(code: string): string[] {
  if (code.startsWith('jest ')) return []; // patterns of paths
  const isOurs = (word: string) =>
    /^[\w.*<>/-]+$/.test(word) &&
    !/^[/.-]*$|^\/|^\.native|^(sbom|shop-api)\.|^\.\w+\.\w+$/.test(word) &&
    (/\w\.(ts|js|cjs|mjs|json|ya?ml|md|sh|conf|template|prisma|graphql|sql|mtail)$|\.(unit|int|e2e|security|alerts)$/.test(
      word,
    ) ||
      (word.includes('/') && topFolders.has(word.replace(/^(\.\.?\/)+/, '').split('/')[0])));
  return code
    .replaceAll(`${common}/`, 'common/src/')
    .split(/[\s()'",;=]+/)
    .map((word) => word.replace(/[.:]+$/, ''))
    .filter(isOurs);
}

/** As it is written, seen from the document or from the top; a test without its ending; what was compiled, where its source is. */
function exists(name: string, document: string): boolean {
  const source = name
    .replace(/\/dist\/(.*)\.js$/, '/src/$1.ts')
    .replace(/\/$/, '')
    .replace(/^(\.\.?\/)+/, '');
  const seenFromDocument = path.posix.join(path.posix.dirname(document), name).replace(/\/$/, '');
  const patterns = [source, `${source}.test.ts`].map(patternOf);
  return entries.some((entry) => entry === seenFromDocument || patterns.some((pattern) => pattern.test(entry)));
}

function faultsOfCommand(code: string): string[] {
  const faults: string[] = [];
  const make = /(?:^|[ (])make ((?:[\w*=./:"'$<>-]+ ?)+)/.exec(code)?.[1]?.trim().split(' ') ?? [];
  for (const word of make) {
    const [variable = '', value] = word.split('=');
    if (value !== undefined) {
      if (!makefile.includes(`$(${variable})`)) faults.push(`make takes no ${variable}`);
    } else if (/^[a-z*-]+$/.test(word) && !targets.some((target) => patternOf(word).test(target))) {
      faults.push(`make has no target ${word}`);
    }
  }
  const [, script] = /npm run (?:--silent )?([a-z:-]+)/.exec(code) ?? [];
  if (script !== undefined && !(script in scripts)) faults.push(`package.json has no script ${script}`);
  const patterns = /^jest ((?:[\w./-]+ ?)+)$/.exec(code)?.[1]?.trim().split(' ') ?? [];
  for (const [place, pattern] of patterns.entries()) {
    const isKnown = /^[A-Z]$/.test(pattern) || (place === 0 && projects.includes(pattern));
    if (!isKnown && !tests.some((test) => new RegExp(pattern).test(test))) faults.push(`no test is called ${pattern}`);
  }
  return faults;
}

/** The anchors of a document, as GitHub makes them of its headings. */
const anchorsOf = (text: string): string[] =>
  Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

function faultsOfLinks(text: string, document: string): string[] {
  const links = Array.from(text.matchAll(/(?:\]\(|^\[[^\]]+\]: )(?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)?/gm));
  return links.flatMap(([, file = '', anchor]) => {
    const target = file === '' ? document : path.posix.join(path.posix.dirname(document), file);
    if (!entries.includes(target.replace(/\/$/, ''))) return [`a link leads to ${target}, which is not there`];
    return anchor === undefined || anchorsOf(read(target)).includes(anchor)
      ? []
      : [`${target} has no heading #${anchor}`];
  });
}

function faultsOf(document: string, text: string): string[] {
  const code = codeIn(text);
  const missing = code.flatMap(pathsIn).filter((name) => !exists(name, document));
  return [
    ...missing.map((name) => `${name} is not there`),
    ...code.flatMap(faultsOfCommand),
    ...faultsOfLinks(text, document),
  ];
}

describe('what a topic of common says of itself', () => {
  const topics = entries.filter((name) => /^common\/src\/[\w-]+$/.test(name));

  it.each(topics)('%s -> its README names what it exports', (topic) => {
    const exported = entries
      .filter((name) => name.startsWith(`${topic}/`) && name.endsWith('/index.ts'))
      .map(read)
      .join();
    const named = Array.from(read(`${topic}/README.md`).matchAll(/^- `(\w+)`/gm), ([, name = '']) => name);
    expect(named).not.toEqual([]);
    expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(exported))).toEqual([]);
  });
});

describe('what a document names', () => {
  const documents = entries.filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md');

  it('the documents of this project -> found', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md']));
  });

  it.each(documents)('%s -> its files, commands and links are there', (document) => {
    expect(faultsOf(document, read(document))).toEqual([]);
  });

  it.each([
    ['a file', '`order-created.consumer.ts`', 'order-created.consumer.ts is not there'],
    ['a folder', '`common/src/nothing/`', 'common/src/nothing/ is not there'],
    ['a file of a shell', '```sh\nnode stack/nothing.ts up\n```', 'stack/nothing.ts is not there'],
    ['what was compiled', '`../common/dist/database/nothing.js`', '../common/dist/database/nothing.js is not there'],
    ['a part of common', '`@shop/common/nothing`', 'common/src/nothing is not there'],
    ['a target', '`make nothing`', 'make has no target nothing'],
    ['a target among others', '```sh\nmake lint nothing # both\n```', 'make has no target nothing'],
    ['a parameter of a target', '`make logs NOTHING=gateway`', 'make takes no NOTHING'],
    ['a script', '`npm run nothing`', 'package.json has no script nothing'],
    ['a test', '`jest order nothing`', 'no test is called nothing'],
    ['a link', '[x](nothing.md)', 'a link leads to docs/nothing.md, which is not there'],
    ['a link by its name', '[x]: nothing.md', 'a link leads to docs/nothing.md, which is not there'],
    ['a heading', '[x](api.md#nothing)', 'docs/api.md has no heading #nothing'],
  ])('%s that is not there -> a fault', (_what, text, fault) => {
    expect(faultsOf('docs/page.md', text)).toEqual([fault]);
  });
});
