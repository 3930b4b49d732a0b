import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { check } from 'recheck';
import ts from 'typescript';
import { TIMEOUT } from '@shop/testing';

const repository = path.resolve(import.meta.dirname, '../../..');

interface Found {
  where: string;
  source: string;
  flags: string;
}

/** All regular expressions of a file; those that are put together while it runs can't be read, and have no source. */
function expressionsOf(file: string): Found[] {
  const text = readFileSync(file, 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    const where = `${path.relative(repository, file)}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      found.push({ where, source: node.text.slice(1, end), flags: node.text.slice(end + 1) });
    }
    const isMade = (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp';
    if (isMade) found.push({ where: `${where} is made while it runs`, source: '^(a+)+$', flags: '' });
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** What stands before an expression in nginx's configuration: a `~` at the start of a map's line, after `location`, in quotes, in an `if`. */
const NGINX_FORMS = [/"~(\*?)([^"]*)"/g, /\blocation ~(\*?) (\S+) +\{/g, /^ *~(\*?)(\S+) /g, / ~(\*?) "([^"]*)"/g];

/**
 * Where a list that the operator sets stands before a client's header, the list is what goes slowly, and it is short: the
 * header is compared with each of its entries once. It is checked with one entry in the list's place.
 */
const listBeforeHeader = /\^\[a-z\]\+ ,.* \\k<allowed_origin>\$/;
const withOneEntry = '^[a-z]+ ,https://shop[.]example[.]com, https://shop[.]example[.]com$';

/** Those of nginx's configuration, which read URLs and headers of clients. PCRE and JavaScript read what is used there alike. */
function expressionsOfNginx(file: string): Found[] {
  const lines = readFileSync(file, 'utf8')
    .replaceAll(/^ *#.*/gm, '')
    .split('\n');
  return lines.flatMap((line, index) => {
    const where = `${path.relative(repository, file)}:${index + 1}`;
    const found = NGINX_FORMS.flatMap((form) =>
      [...line.matchAll(form)].map(([, star, source = '']) => ({
        where,
        source: source.replace(listBeforeHeader, () => withOneEntry),
        flags: star === '' ? '' : 'i',
      })),
    );
    const meant = line.replaceAll('/~', '').split('~').length - 1;
    return found.length === meant ? found : [{ where: `${where} can't be read`, source: '^(a+)+$', flags: '' }];
  });
}

const complaintsOf = async (found: readonly Found[]): Promise<string[]> => {
  const complaints: string[] = [];
  for (const { where, source, flags } of found) {
    const { status } = await check(source, flags, { randomSeed: 1, timeout: TIMEOUT }); // the same search in each run
    if (status !== 'safe') complaints.push(`${where}: ${status}: /${source}/${flags}`);
  }
  return complaints;
};

/** What `validator` is used for on input: each reads a text of bounded length, and is safe all the same. */
const used = ['isEmail', 'isUUID', 'isFQDN', 'isByteLength', 'isLength'];

describe('regular expressions', () => {
  it('those of all workspaces -> none takes more than linear time', async () => {
    const files = globSync('{common,user-service,order-service,payment-service,gateway}/src/**/*.ts', {
      cwd: repository,
      // busy-tables.ts reads migrations of our own.
      exclude: (name) => /generated|\.test\.ts$|busy-tables\.ts$/.test(name),
    });
    const found = files.flatMap((file) => expressionsOf(path.join(repository, file)));

    expect(found.length).toBeGreaterThan(20);
    expect(await complaintsOf(found)).toEqual([]);
  });

  it('those of the library that checks input -> likewise', async () => {
    const found = used
      .flatMap((name) => expressionsOf(path.join(repository, `node_modules/validator/lib/${name}.js`)))
      .filter(({ where }) => !where.includes('made while it runs')); // from an option of isEmail that we don't use

    expect(found.length).toBeGreaterThan(20);
    expect(await complaintsOf(found)).toEqual([]);
  });

  it('those of nginx, which read URLs and headers before anybody else -> likewise', async () => {
    const files = globSync('nginx/*.template', { cwd: repository });
    const found = files.flatMap((file) => expressionsOfNginx(path.join(repository, file)));

    expect(found.length).toBeGreaterThan(20);
    expect(await complaintsOf(found)).toEqual([]);
  });

  it('one that backtracks without end -> found', async () => {
    expect(await complaintsOf([{ where: 'here', source: '^(a+)+$', flags: '' }])).toHaveLength(1);
  });
});
