// `make api-docs`: what can be asked of the system and where, from the pages that describe it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { serviceAddresses, table } from '../addresses.ts';
import type { Context } from '../context.ts';
import { entryUrl } from '../entry-point.ts';
import { services } from '../services.ts';
import { repository } from '../paths.ts';
import { loadSettings } from '../settings.ts';

/** The first cells of the table of routes in a service's README: what a route is, and who may call it. */
export function routesIn(readme: string): { base: string; routes: string[][] } | undefined {
  const lines = readme.split('\n');
  const start = lines.findIndex((line) => line.startsWith('| Route below'));
  const base = /`([^`]+)`/.exec(lines[start] ?? '')?.[1];
  if (base === undefined) return undefined;
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  const routes = rows.slice(0, end).map((row) => {
    const [route = '', who = ''] = row.split('|').slice(1);
    return [route.replaceAll('`', '').trim(), who.trim()];
  });
  return { base, routes };
}

export function apiDocs({ output }: Context): number {
  const heading = (text: string) => output.result(output.style('bold', text, process.stdout));
  const settings = loadSettings();
  for (const [name, url, note] of serviceAddresses(settings)) output.result(`${name.padEnd(10)} ${url}  ${note}`);
  for (const { name } of services) {
    const described = routesIn(readFileSync(path.join(repository, name, 'README.md'), 'utf8'));
    if (described === undefined) continue;
    output.result('');
    heading(`${name}, below ${described.base}`);
    for (const line of table(described.routes)) output.result(`  ${line}`);
  }
  output.result('');
  heading('More');
  const entry = entryUrl(settings);
  output.result(
    `  ${new URL('/openapi.json', entry).href}  the description of REST, in OpenAPI 3.1; of one service: /openapi.json there`,
  );
  output.result(`  ${new URL('/docs', entry).href}  the same in the browser`);
  output.result('  docs/api.md                   what all REST answers have in common');
  output.result('  gateway/src/**/*.graphql      the GraphQL schema; GraphiQL shows it too');
  output.result('  docs/events.md                the events');
  return 0;
}
