// Where everything answers, for the table at the end of a start.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnvironmentText } from './environment-text.ts';
import { repository } from './paths.ts';
import { databases } from './services.ts';
import { entryUrl, shownHost } from './entry-point.ts';
import { portOf, type Settings } from './settings.ts';
import { serviceWorkspaces } from './workspaces.ts';

type Address = [name: string, url: string, note: string];

export function serverAddresses(settings: Settings): Address[] {
  const { ports, postgres, rabbitmq, variables } = settings;
  const servers = databases.map(({ name }) => `postgres-${name}`).join(', ');
  const login = (user: string, password: string) => `log in as ${user} / ${madePassword(settings, password)}`;
  return [
    ['Adminer', `http://localhost:${ports.ADMINER_PORT}`, `${login(postgres.user, 'POSTGRES_PASSWORD')} at ${servers}`],
    [
      'RabbitMQ',
      `http://localhost:${ports.RABBITMQ_MANAGEMENT_PORT}`,
      `${login(rabbitmq.user, 'RABBITMQ_PASSWORD')}; AMQP on port ${ports.RABBITMQ_PORT}`,
    ],
    ...databases.map(({ name, portVariable, variables: names }): Address => {
      const url = `localhost:${portOf(ports, portVariable)}`;
      return [`PostgreSQL ${name}`, url, `database ${variables[names.DATABASE_NAME]}`];
    }),
  ];
}

export function serviceAddresses(settings: Settings): Address[] {
  const { ports } = settings;
  const host = shownHost(settings);
  const docs = new URL('/docs', entryUrl(settings)).href;
  return [
    ['GraphiQL', entryUrl(settings), 'the whole API in the browser; clients use /graphql and /api/v1'],
    ['Swagger UI', docs, 'REST in the browser; the description: /openapi.json'],
    ['Gateway', `http://${host}:${ports.GATEWAY_PORT}`, 'the same without nginx'],
    ...serviceWorkspaces.flatMap(({ path: restPath, portVariable }): Address[] => {
      if (restPath === undefined) return [];
      return [[titleOf(restPath), `http://${host}:${portOf(ports, portVariable)}${restPath}`, 'REST']];
    }),
    ['Prometheus', `http://localhost:${ports.PROMETHEUS_PORT}`, 'metrics and alerts'],
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
