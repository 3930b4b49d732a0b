import type { IncomingHttpHeaders } from 'node:http';
import { InvalidInput, PreconditionFailed, type Precondition } from '../errors/index.js';
import type { Answer } from '../idempotency/index.js';

/** The entity tag of a version (RFC 9110, 8.8.3): known from the row that is read anyway, where a hash would cost each answer. */
export const entityTag = (version: number | string): string => `"${version}"`;

const TAGS = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;
const LIST =
  /^[ \t,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:[ \t]*,[ \t,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*[ \t,]*$/;

/**
 * Whether a list of tags names this one. nginx makes a tag weak where it compresses the answer; ours stand for a version, which
 * that doesn't change. So weak and strong ones are alike, also where RFC 9110 would have a strong one.
 */
function names(list: string, tag: string): boolean {
  return list.trim() === '*' || (list.match(TAGS) ?? []).some((named) => named.replace(/^W\//, '') === tag);
}

/** Nobody's change may be made because we could not read its condition. */
function readTags(name: string, list: string | undefined): string | undefined {
  if (list === undefined || list.trim() === '*' || LIST.test(list)) return list;
  throw new InvalidInput([{ field: name, message: 'must be * or a list of entity tags such as "3"' }]);
}

/** What a request demands of the version that it changes, if anything. Throws InvalidInput. */
export function preconditionOf(headers: IncomingHttpHeaders): Precondition | undefined {
  const match = readTags('If-Match', headers['if-match']);
  const noneMatch = readTags('If-None-Match', headers['if-none-match']);
  if (match === undefined && noneMatch === undefined) return undefined;
  return (version) => {
    const tag = entityTag(version);
    const holds = (match === undefined || names(match, tag)) && (noneMatch === undefined || !names(noneMatch, tag));
    if (!holds) throw new PreconditionFailed();
  };
}

/** Whether a client that reads has this very version already. What can't be read as tags is none of its versions. */
export function isNotModified(
  { method, headers }: { method: string; headers: IncomingHttpHeaders },
  { status, headers: { ETag: tag } = {} }: Answer,
): boolean {
  const known = headers['if-none-match'];
  if (known === undefined || tag === undefined || status !== 200) return false;
  return (method === 'GET' || method === 'HEAD') && names(known, tag);
}
