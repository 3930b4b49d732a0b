/** What another version of a service writes in place of what this one does: an answer, an event. */
export type Version = 'before' | 'now' | 'after';
export const versions: readonly Version[] = ['before', 'now', 'after'];

/** Stands for a value that a later version has added to an enum. */
export const ADDED_VALUE = 'added_later';

/**
 * Rewrites JSON as another version would write it: the one before lacks whatever may be null, the one after has further
 * fields everywhere, and a value in the enums of these names that nobody has learned of.
 */
export function asWrittenBy(version: Version, json: unknown, enums: readonly string[] = []): unknown {
  if (version === 'now' || typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((part) => asWrittenBy(version, part, enums));
  const fields = Object.entries(json).flatMap(([name, value]): [string, unknown][] => {
    if (version === 'before') return value === null ? [] : [[name, asWrittenBy(version, value, enums)]];
    return [[name, enums.includes(name) ? ADDED_VALUE : asWrittenBy(version, value, enums)]];
  });
  const added = version === 'after' ? { addedLater: { some: ['thing'] } } : {};
  return { ...Object.fromEntries(fields), ...added };
}
