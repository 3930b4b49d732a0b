/** Texts of queries are few: those of the sources. */
const MAX_REMEMBERED = 1_000;

/** Its verb and its first table, be it quoted and with a schema or not; a function that rows come from is none. */
const CHANGE_OR_READ = /\b(INSERT INTO|UPDATE|DELETE FROM|FROM)\s{1,20}(?:"?\w{1,63}"?\.)?"?(\w{1,63})(?![\w(])/;
const verbs: Readonly<Record<string, string>> = { 'INSERT INTO': 'INSERT', 'DELETE FROM': 'DELETE', FROM: 'SELECT' };

function summarize(sql: string): string {
  const [, keyword = '', table = ''] = CHANGE_OR_READ.exec(sql) ?? [];
  if (keyword === '') return /\w+/.exec(sql)?.[0] ?? 'query';
  return `${verbs[keyword] ?? keyword} ${table}`;
}

/**
 * Says in two words what a query does first, such as `SELECT orders`, without any of its values:
 * https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query
 */
export function createQuerySummaries(): (sql: string) => string {
  const summaries = new Map<string, string>();
  return (sql) => {
    const known = summaries.get(sql);
    if (known !== undefined) return known;
    const summary = summarize(sql);
    if (summaries.size < MAX_REMEMBERED) summaries.set(sql, summary);
    return summary;
  };
}
