// The lines of logs: whether they belong to a request, and how people read them.
import { stripVTControlCharacters, type styleText } from 'node:util';
import type { Output } from './output.ts';

/** Colours a text, or not. */
type Styled = (style: Parameters<typeof styleText>[0], text: string) => string;

/** The request whose lines are looked for, by its id or by that of its trace. */
export interface Followed {
  field: 'requestId' | 'traceId';
  id: string;
}

type Entry = Readonly<Record<string, unknown>>;

/** Undefined for a line that is no JSON object: those of servers that have a form of their own. */
function parseEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Entry; // by its first character an object
  } catch {
    return undefined;
  }
}

export function belongsTo(line: string, { field, id }: Followed): boolean {
  return line.includes(id) && parseEntry(line)?.[field] === id;
}

/** When a line was written, in milliseconds; NaN where it does not say. */
export const timeOf = (line: string): number => Date.parse(String(parseEntry(line)?.time));

const levelStyles = { error: 'red', warn: 'yellow', info: 'green', debug: 'dim' } as const;
type Level = keyof typeof levelStyles;
const isLevel = (level: unknown): level is Level => typeof level === 'string' && Object.hasOwn(levelStyles, level);

/** nginx's own have no level: the status says how it went. */
function levelOf({ level, status }: Entry): Level {
  if (isLevel(level)) return level;
  if (typeof status !== 'number' || status < 400) return 'info';
  return status < 500 ? 'warn' : 'error';
}

/** What a client has sent must not steer the terminal that shows it. */
const harmless = (text: string): string => stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '�');

function valueOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) || typeof value !== 'string' ? harmless(text) : JSON.stringify(harmless(text));
}

/** Shown in a place of their own, or known from there. */
const placed: ReadonlySet<string> = new Set(['time', 'level', 'service', 'message', 'err']);
const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === '';

const factsOf = (entry: Entry): string =>
  Object.entries(entry)
    .filter(([name, value]) => !placed.has(name) && !isEmpty(value))
    .map(([name, value]) => `${harmless(name)}=${valueOf(value)}`)
    .join(' ');

/** An error with its stack, line by line. */
function errorOf({ err }: Entry): string[] {
  if (typeof err !== 'object' || err === null) return [];
  const { stack, name, message } = err as Entry;
  const text = typeof stack === 'string' ? stack : `${String(name)}: ${String(message)}`;
  return text.split('\n').map((line) => `    ${harmless(line.trim())}`);
}

/** A line of the log of `name` as people read it: time in UTC, service, level, message, facts; an error on lines of its own. */
export function readableLine(name: string, line: string, styled: Styled): string {
  const entry = parseEntry(line);
  if (entry === undefined) return `${' '.repeat(12)} ${styled('cyan', name)} ${harmless(line)}`;
  const time = timeOf(line);
  const shownTime = Number.isNaN(time) ? ' '.repeat(12) : new Date(time).toISOString().slice(11, 23);
  const level = levelOf(entry);
  const { message, method, path } = entry;
  const said = typeof message === 'string' ? message : [method, path].filter((part) => !isEmpty(part)).join(' ');
  const first = [
    styled('dim', shownTime),
    styled('cyan', name),
    styled(levelStyles[level], level.toUpperCase().padEnd(5)),
    harmless(said),
    styled('dim', factsOf(entry)),
  ];
  return [first.join(' ').trimEnd(), ...errorOf(entry).map((part) => styled(levelStyles[level], part))].join('\n');
}

/** Shows lines, each behind a name of this width where people read them: as they were written for `json`, and for pipes. */
export function lineShower(output: Output, { json, width }: { json: boolean; width: number }) {
  const isRaw = json || !process.stdout.isTTY;
  const styled: Styled = (style, text) => output.style(style, text, process.stdout);
  return ({ name, line }: { name: string; line: string }): void =>
    output.result(isRaw ? line : readableLine(name.padEnd(width), line, styled));
}
