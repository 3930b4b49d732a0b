// The text of a .env file. Its rules stand at the top of .env.example.
import { StackError } from './errors.ts';

export interface Assignment {
  name: string;
  value: string;
  /** What stands around the value, if anything. */
  quote: string;
  /** Of its line, from 0. */
  index: number;
}

const assignmentPattern = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/s;
const quotedPattern = /^(['"`])((?:(?!\1).)*)\1(?:\s+#.*)?$/s;
const commentPattern = /^\s*(?:#.*)?$/s;
/** Of these values no part may be taken for a comment. */
const secretPattern = /(PASSWORD|SECRETS?|KEYS?|URL)$/;

const quoteRemedy = 'put its value between quotes that are not in it';

/** The lines of a text, whatever they end with: LF, CRLF or CR. */
export function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
}

/** Each variable that a text sets, in order. Throws a StackError with one line for each fault, none with a value in it. */
export function readAssignments(text: string): Assignment[] {
  const faults: string[] = [];
  const found: Assignment[] = [];
  for (const [index, line] of linesOf(text).entries()) {
    if (commentPattern.test(line)) continue;
    const [, name, rest] = assignmentPattern.exec(line) ?? [];
    if (name === undefined || rest === undefined) {
      faults.push(`line ${index + 1} of .env is neither NAME=value nor a comment`);
      continue;
    }
    const [, quote, quoted] = quotedPattern.exec(rest.trim()) ?? [];
    const value = rest.replace(/\s#.*$/s, '').trim();
    if (quote !== undefined && quoted !== undefined) {
      found.push({ name, value: quoted, quote, index });
    } else if (/^['"`]/.test(value)) {
      faults.push(`${name} in .env begins with a quote that does not end its line: ${quoteRemedy}`);
    } else if (value !== '' && /\s#/.test(rest) && secretPattern.test(name)) {
      faults.push(`${name} in .env has a # after a space: ${quoteRemedy}, or the comment on a line of its own`);
    } else {
      found.push({ name, value, quote: '', index });
    }
  }
  if (faults.length > 0) throw new StackError(faults.join('\n'));
  return found;
}

/** The variables that a text sets; of those with the same name the last one. */
export function parseEnvironmentText(text: string): Record<string, string> {
  return Object.fromEntries(readAssignments(text).map(({ name, value }) => [name, value]));
}

/** The text with a variable set, where it is set already or else at the end. */
export function setVariable(text: string, name: string, value: string): string {
  const last = readAssignments(text).findLast((assignment) => assignment.name === name);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = linesOf(text);
  if (last) lines[last.index] = `${name}=${value}`;
  else
    lines.splice(lines.at(-1) === '' ? -1 : lines.length, 0, `${name}=${value}`, ...(lines.at(-1) === '' ? [] : ['']));
  return lines.join(newline);
}
