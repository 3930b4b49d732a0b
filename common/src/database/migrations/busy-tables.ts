/** From this name on: what had landed before may stop a table for longer, and never changes. */
const RULES_SINCE = '20261129000000';

const name = '"?(\\w+)"?';
const pattern = (source: string): RegExp => new RegExp(source, 'gi');
const created = pattern(`\\bCREATE\\s+TABLE\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?${name}`);
const indexed = pattern(`\\bCREATE\\s+(?:UNIQUE\\s+)?INDEX\\s+(?!CONCURRENTLY)[^;]*?\\bON\\s+(?:ONLY\\s+)?${name}`);
const constrained = pattern(
  `\\bALTER\\s+TABLE\\s+(?:ONLY\\s+)?${name}[^;]*?\\bADD\\s+CONSTRAINT\\b(?![^;]*\\bNOT\\s+VALID\\b)[^;]*?\\b(?:CHECK|FOREIGN\\s+KEY)\\b`,
);
const required = pattern(
  `\\bALTER\\s+TABLE\\s+(?:ONLY\\s+)?${name}[^;]*?\\bALTER\\s+(?:COLUMN\\s+)?${name}\\s+SET\\s+NOT\\s+NULL`,
);

const withoutComments = (sql: string): string => sql.replace(/--.*$/gm, '');

/** Whether earlier migrations prove that the column is never null, so that SET NOT NULL scans nothing. */
const isProven = (column: string, earlier: string): boolean =>
  new RegExp(`\\bCHECK\\s*\\(\\s*"?${column}"?\\s+IS\\s+NOT\\s+NULL\\s*\\)`, 'i').test(earlier) &&
  /\bVALIDATE\s+CONSTRAINT\b/i.test(earlier);

/**
 * What of a migration makes everybody wait who writes to a table while it reads the whole of it; `earlier`: the migrations
 * before it, as one text. See docs/schema-changes.md.
 */
export function busyTableFaults(migration: string, script: string, earlier: string): string[] {
  if (migration < RULES_SINCE) return [];
  const sql = withoutComments(script);
  const isNew = new Set(Array.from(sql.matchAll(created), ([, table]) => table));
  const onOld = (pattern: RegExp) => Array.from(sql.matchAll(pattern)).filter(([, table]) => !isNew.has(table));
  return [
    ...onOld(indexed).map(([, table]) => `indexes ${table} without CONCURRENTLY`),
    ...onOld(constrained).map(([, table]) => `adds a constraint to ${table} that is not NOT VALID`),
    ...onOld(required)
      .filter(([, , column = '']) => !isProven(column, withoutComments(earlier)))
      .map(([, table, column]) => `makes ${table}.${column} NOT NULL without a valid CHECK before`),
  ];
}
