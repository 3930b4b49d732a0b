/** Statements that PostgreSQL runs outside of a transaction only, and each by itself. */
const concurrent = /^(?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+|RE)INDEX\s+(?:\([^)]*\)\s*)?CONCURRENTLY\b/i;
const repeatable = /^(?:(?:CREATE|DROP)\b.*\bIF\s+(?:NOT\s+)?EXISTS|REINDEX)\b/is;

const withoutComments = (script: string): string => script.replace(/--.*$/gm, '');
const statementsOf = (script: string): string[] =>
  withoutComments(script)
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

/** A migration's SQL: one transaction; or statements for indexes beside running writes, each by itself. */
export type Script = { transaction: string } | { statements: string[] };

export function parseScript(sql: string): Script {
  const statements = statementsOf(sql);
  return statements.some((statement) => concurrent.test(statement)) ? { statements } : { transaction: sql };
}

/** Why a script can't be run, if it can't: what is in no transaction must be repeatable, since it can end half done. */
export function scriptFault(sql: string): string | undefined {
  const script = parseScript(sql);
  if ('transaction' in script) return undefined;
  if (!script.statements.every((statement) => concurrent.test(statement))) {
    return 'has more than indexes that are built or dropped CONCURRENTLY, which run in no transaction: give them a migration of their own';
  }
  return script.statements.every((statement) => repeatable.test(statement))
    ? undefined
    : 'is not repeatable: IF EXISTS or IF NOT EXISTS is missing';
}
