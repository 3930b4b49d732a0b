/**
 * What every process may know of the environment: nothing of the project's settings, nor of what a shell exports for npm, Node,
 * PostgreSQL, Erlang, PHP or a proxy. Texts are UTF-8 and times UTC, whatever the user's own are.
 */
export function baseEnvironment(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const names = ['PATH', 'HOME', 'USER', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'PG_BIN'];
  const entries = names.map((name) => [name, environment[name]] as const);
  const known = Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
  return { ...known, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}
