import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { check } from 'recheck';
import ts from 'typescript';

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

const complaintsOf = async (found: readonly Found[]): Promise<string[]> => {
  const complaints: string[] = [];
  for (const { where, source, flags } of found) {
    const { status } = await check(source, flags, { timeout: 30_000 });
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
      exclude: (name) => /generated|testing|\.test\.ts$/.test(name),
    });
    const found = files.flatMap((file) => expressionsOf(path.join(repository, file)));

    expect(found.length).toBeGreaterThan(20);
    expect(await complaintsOf(found)).toEqual([]);
  }, 120_000);

  it('those of the library that checks input -> likewise', async () => {
    const found = used
      .flatMap((name) => expressionsOf(path.join(repository, `node_modules/validator/lib/${name}.js`)))
      .filter(({ where }) => !where.includes('made while it runs')); // from an option of isEmail that we don't use

    expect(found.length).toBeGreaterThan(20);
    expect(await complaintsOf(found)).toEqual([]);
  }, 60_000);

  it('one that backtracks without end -> found', async () => {
    expect(await complaintsOf([{ where: 'here', source: '^(a+)+$', flags: '' }])).toHaveLength(1);
  });
});
