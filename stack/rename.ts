// Gives the whole project another name, in one commit: `make rename NAME=acme`. Packages, images, containers, system users and
// folders are called by it, the exchange, the audience of tokens and the titles of pages. Prose stays: a shop is a shop.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StackError } from './errors.ts';
import { repository } from './paths.ts';
import { runMain } from './run-main.ts';

export interface ProjectNames {
  /** Of the packages' scope, the images and all else: shop. */
  name: string;
  /** What the exchanges' names begin with: microservices. */
  exchanges: string;
}

const titleOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** Whose licence and whose history, and the examples of what is renamed: they stay. */
const isKept = (file: string): boolean =>
  /(^|\/)(LICENSE|CHANGELOG\.md|rename\.unit\.test\.ts)$|\/prisma\/migrations\//.test(file);

/** The text of a file in which the project is called by another name. */
export function renamedText(file: string, text: string, from: ProjectNames, to: string): string {
  const { name, exchanges } = from;
  const rule = (pattern: string) => new RegExp(pattern, 'gm');
  const rules = [
    rule(`(?<=@)${name}\\b(?!\\.)`), // @shop/common
    rule(`(?<![\\w.@-])${name}(?=[-_][a-z\\d$<{%*])`), // shop-gateway, shop_user-data
    rule(`(?<=/)${name}(?=[/:),'"\`\\s\\\\]|$)`), // /var/lib/shop
    rule(`(?<=(['"\`]))${name}(?=\\1)`),
    rule(`(?<=://)${name}(?=[:@])|(?<=')${name}(?=@localhost)|(?<=20-)${name}(?=\\.conf)|(?<=kubectl -n\\s)${name}\\b`),
    rule(`(?<=AUDIENCE=)${name}$|(?<=NAMESPACE +else )${name}\\b|(?<=:-|such as )${name}(?=[-:}])`),
    rule(`(?<=key: |\`)${name}(?=/)|(?<=\\\\0)${name}(?=-)`), // entries of a secret store; abstract sockets
    rule(`(?<=\\burn:)${name}(?=:)`), // what schemas of events are called
    rule(`\\b${exchanges}(?=\\.(events|broadcasts|local)\\b)`),
  ];
  // In code a value of this name is a variable.
  if (!/\.[jt]s$/.test(file)) rules.push(rule(`(?<=(name|namespace|part-of): )${name}(?=[\\s},\\\\$]|$)`));
  const renamed = rules.reduce((changed, pattern) => changed.replaceAll(pattern, to), text);
  const title = titleOf(name);
  const capitals = renamed.replaceAll(rule(`\\b${name.toUpperCase()}(?=_[A-Z])`), to.toUpperCase()); // SHOP_STACK
  const titles = rule(`(?<=folder: )${title}|(?<=^# )${title}(?=:)|${title}(?= GraphiQL)`);
  return capitals.replaceAll(titles, titleOf(to));
}

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');

function readProjectNames(): ProjectNames {
  const { name } = JSON.parse(read('package.json')) as { name: string }; // the project's own
  const [, exchanges] = /exchange: '([a-z\d]+)\.events'/.exec(read('common/src/messaging/topology.ts')) ?? [];
  if (exchanges === undefined) throw new StackError('common/src/messaging/topology.ts names no exchange');
  return { name, exchanges };
}

function run(...command: [string, ...string[]]): string {
  const [file, ...parameters] = command;
  return execFileSync(file, parameters, {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function rename(to: string): number {
  if (!/^[a-z][a-z\d]{1,19}$/.test(to))
    throw new StackError('NAME must be one word of small letters, such as NAME=acme');
  const from = readProjectNames();
  if (to === from.name) throw new StackError(`the project is called ${to} already`);
  if (run('git', 'status', '--porcelain') !== '')
    throw new StackError('commit or put aside what has changed here first');
  const isText = (file: string) => !isKept(file) && !read(file).includes('\0');
  const changed = run('git', 'ls-files', '-z')
    .split('\0')
    .filter((file) => file !== '' && isText(file))
    .flatMap((file) => {
      const [before, after] = [read(file), renamedText(file, read(file), from, to)];
      return before === after ? [] : [{ file, after }];
    });
  for (const { file, after } of changed) writeFileSync(path.join(repository, file), after);
  run('npm', 'install', '--omit-lockfile-registry-resolved', '--ignore-scripts', '--no-audit', '--no-fund');
  run('node_modules/.bin/prettier', '--ignore-unknown', '--write', ...changed.map(({ file }) => file));
  run('git', 'commit', '--quiet', '--all', '--message', `build: the project is called ${to}`);
  console.log(`${changed.length} files changed, in one commit; next: make build lint test`);
  console.log(
    'Systems that run keep the old names of their users, folders and exchange: stop them first with `make down`',
  );
  return 0;
}

if (import.meta.filename === process.argv[1]) {
  await runMain(() => rename(parseArgs({ options: { name: { type: 'string' } } }).values.name ?? ''));
}
