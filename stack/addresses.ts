// Where everything answers, for the table at the end of a start.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnvironmentText } from './environment-text.ts';
import { repository } from './paths.ts';
import { databases } from './services.ts';
import { entryUrl, shownHost } from './entry-point.ts';
import { portOf, type Settings } from './settings.ts';
import { serviceWorkspaces } from './workspaces.ts';

export interface Address {
  name: string;
  url: string;
  note: string;
}

export function serverAddresses(settings: Settings): Address[] {
  const { ports, postgres, rabbitmq } = settings;
  const clusters = databases.map(({ name, portVariable, variables }) => ({
    name: `PostgreSQL ${name}`,
    url: `localhost:${portOf(ports, portVariable)}`,
    note: `database ${settings.variables[variables.DATABASE_NAME]}`,
  }));
  const servers = databases.map(({ name }) => `postgres-${name}`).join(', ');
  return [
    {
      name: 'Adminer',
      url: `http://localhost:${ports.ADMINER_PORT}`,
      note: `log in as ${postgres.user} / ${madePassword(settings, 'POSTGRES_PASSWORD')} at ${servers}`,
    },
    {
      name: 'RabbitMQ',
      url: `http://localhost:${ports.RABBITMQ_MANAGEMENT_PORT}`,
      note: `log in as ${rabbitmq.user} / ${madePassword(settings, 'RABBITMQ_PASSWORD')}; AMQP on port ${ports.RABBITMQ_PORT}`,
    },
    ...clusters,
  ];
}

export function serviceAddresses(settings: Settings): Address[] {
  const { ports } = settings;
  const host = shownHost(settings);
  return [
    {
      name: 'GraphiQL',
      url: entryUrl(settings),
      note: 'the whole API in the browser; clients use /graphql and /api/v1',
    },
    {
      name: 'Swagger UI',
      url: new URL('/docs', entryUrl(settings)).href,
      note: 'REST in the browser; the description: /openapi.json',
    },
    { name: 'Gateway', url: `http://${host}:${ports.GATEWAY_PORT}`, note: 'the same without nginx' },
    ...serviceWorkspaces.flatMap(({ path: restPath, portVariable }) =>
      restPath === undefined
        ? []
        : [{ name: titleOf(restPath), url: `http://${host}:${portOf(ports, portVariable)}${restPath}`, note: 'REST' }],
    ),
    { name: 'Prometheus', url: `http://localhost:${ports.PROMETHEUS_PORT}`, note: 'metrics and alerts' },
  ];
}

/** Orders, of /api/v1/orders. */
function titleOf(restPath: string): string {
  const resource = path.basename(restPath);
  return resource.charAt(0).toUpperCase() + resource.slice(1);
}

/** What a newcomer should do first. */
export function firstSteps(settings: Settings): string[] {
  const { ADMIN_EMAIL: email } = settings.variables;
  const admin = email ? [`Admin: ${email} / ${visibleSecrets(settings)('ADMIN_PASSWORD')}`] : [];
  return [
    `Try first: open ${entryUrl(settings)} and run its tabs from left to right,`,
    '           from registering to a paid order.',
    ...admin,
  ];
}

/** Made at the first start, so that nobody knows it yet; whoever runs a production system knows where it is. */
function madePassword(settings: Settings, name: string): string {
  const { variables, secretFiles } = settings;
  const isHidden = variables.NODE_ENV === 'production' || secretFiles[name] !== undefined;
  return isHidden ? placeOf(settings, name) : (variables[name] ?? '');
}

function placeOf({ secretFiles }: Settings, name: string): string {
  const file = secretFiles[name];
  return file === undefined ? `(${name} in .env)` : `(in ${file})`;
}

/** Shows a secret only where everybody knows it already. */
function visibleSecrets(settings: Settings): (name: string) => string {
  const { variables } = settings;
  const examples = parseEnvironmentText(readFileSync(path.join(repository, '.env.example'), 'utf8'));
  return (name) => (variables[name] === examples[name] ? (variables[name] ?? '') : placeOf(settings, name));
}

/** The lines of a table with aligned columns. */
export function table(rows: string[][]): string[] {
  const widths = rows.reduce<number[]>((found, row) => row.map((cell, i) => Math.max(cell.length, found[i] ?? 0)), []);
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
