// The settings that the stack itself needs, from .env.example, .env and the environment; the later ones win.
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { urlHost } from '../common/src/config/connection-url.ts';
import { FILE_SUFFIX, readSecret, secretFileOf } from '../common/src/config/secret-file.ts';
import { certificateFiles, type CertificateFiles } from './certificate.ts';
import { entryUrl, firstOpenPort, withOpenEntryPort } from './entry-point.ts';
import { madeSecrets, readText } from './environment-file.ts';
import { parseEnvironmentText, readAssignments } from './environment-text.ts';
import { StackError } from './errors.ts';
import { repository } from './paths.ts';
import { databaseNames, serviceWorkspaces, variablePrefix } from './workspaces.ts';

/** Those that tools name themselves. */
const namedPortVariables = [
  'NGINX_PORT',
  'NGINX_TLS_PORT',
  'NGINX_STATUS_PORT',
  'GATEWAY_PORT',
  'USER_SERVICE_PORT',
  'ORDER_SERVICE_PORT',
  'PAYMENT_SERVICE_PORT',
  'RABBITMQ_PORT',
  'RABBITMQ_MANAGEMENT_PORT',
  'RABBITMQ_MANAGEMENT_INTERNAL_PORT',
  'RABBITMQ_METRICS_PORT',
  'RABBITMQ_DIST_PORT',
  'EPMD_PORT',
  'ADMINER_PORT',
  'PROMETHEUS_PORT',
  'PROMETHEUS_INTERNAL_PORT',
  'NGINX_LOG_METRICS_PORT',
  'USER_DB_PORT',
  'ORDER_DB_PORT',
  'PAYMENT_DB_PORT',
] as const;

/** Those, and what the workspaces add: a service's own, and its database's. */
export const portVariables: readonly string[] = [
  ...new Set<string>([
    ...namedPortVariables,
    ...serviceWorkspaces.map(({ portVariable }) => portVariable),
    ...databaseNames.map((name) => `${variablePrefix(name)}_DB_PORT`),
  ]),
];

export type Ports = Record<(typeof namedPortVariables)[number], number> & Readonly<Record<string, number>>;

/** Of a variable that a workspace says. */
export function portOf(ports: Ports, variable: string): number {
  const port = ports[variable];
  if (port === undefined) throw new Error(`${variable} is the port of nothing`);
  return port;
}

export interface Settings {
  /** Every variable of .env.example and .env, filled in. */
  variables: Record<string, string>;
  ports: Ports;
  host: string;
  /** Of nginx, where it is to serve https. */
  certificate: CertificateFiles | undefined;
  /** Requests a minute that nginx takes from each client. */
  nginxRateLimit: number;
  /** Connections that each client may have requests on at a time. */
  nginxConnectionLimit: number;
  /** How long Prometheus keeps metrics, and how much of the disk they may take. */
  prometheusRetention: { time: string; size: string };
  /** As host:port. */
  alertmanagers: string[];
  postgres: { user: string; password: string };
  rabbitmq: { user: string; password: string };
  /** Where secrets are that do not stand in .env, by their variables. */
  secretFiles: Record<string, string>;
}

/** Reads the settings of a working copy. Throws a StackError with one line for each fault. */
export function loadSettings(environment: NodeJS.ProcessEnv = process.env, directory = repository): Settings {
  const read = (name: string) => {
    const file = path.join(directory, name);
    return existsSync(file) ? readText(file) : '';
  };
  const settings = parseSettings([read('.env.example'), read('.env')], withoutShellsOwn(environment));
  return opensAnyPort(environment) ? settings : withOpenEntryPort(settings, firstOpenPort());
}

/** Whether whoever opens the ports may open those below 1024, too: root, and the engine of containers. */
export function opensAnyPort({ STACK }: NodeJS.ProcessEnv, user = process.getuid?.()): boolean {
  return user === 0 || STACK === 'docker';
}

/** Shells export these for other programs, such as npm, or of their own accord: for us .env alone says them. */
const saidByFilesAlone = ['NODE_ENV', 'HOST'];

/** The environment without what it says to others. */
export function withoutShellsOwn(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !saidByFilesAlone.includes(name)));
}

/** What to tell the user whose environment says something that is not supported. */
export function environmentNotes({ variables }: Settings, environment: NodeJS.ProcessEnv = process.env): string[] {
  return saidByFilesAlone
    .filter((name) => environment[name] && environment[name] !== variables[name])
    .map((name) => `${name} of the environment is not used: it is ${variables[name]}, as .env says`);
}

/**
 * Parses settings from the texts of .env files, the later ones winning, and from the environment, which wins over all. Secrets
 * that are in files come out as if they stood in their variables, unless `keepSecretFiles` leaves them to whoever gets the paths.
 */
export function parseSettings(
  texts: string[],
  environment: NodeJS.ProcessEnv,
  { keepSecretFiles = false } = {},
): Settings {
  const given = mergeVariables(texts, environment);
  const faults = referenceFaults(texts, new Set(Object.keys(given)));
  const { variables, secretFiles } = withSecretFiles(given, faults, keepSecretFiles);
  const text = (name: string): string => {
    const value = variables[name];
    if (!value) faults.push(`${name} is missing: set it in .env`);
    return value ?? '';
  };
  const offset = Number(variables.PORT_OFFSET || 0);
  if (!Number.isInteger(offset) || offset < 0) faults.push('PORT_OFFSET is not a whole number from 0');
  const port = (name: string): number => {
    const value = text(name);
    const number = Number(value);
    const valid = /^\d+$/.test(value) && number >= 1 && number <= 65_535;
    if (value && !valid) faults.push(`${name} is not a port between 1 and 65535`);
    else if (number + offset > 65_535) faults.push(`${name} and PORT_OFFSET make ${number + offset}, above 65535`);
    return number + offset;
  };
  const positive = (name: string, most = 999_999_999): number => {
    const value = text(name);
    if (value && !/^[1-9]\d{0,8}$/.test(value)) faults.push(`${name} is not a whole number above 0`);
    else if (Number(value) > most) faults.push(`${name} is above ${most}`);
    return Number(value);
  };
  /** Of a server: what its programs take without changing or cutting it. */
  const credential = (name: string, fault?: { pattern: RegExp; message: string }): string => {
    const value = madeSecrets.includes(name) ? (variables[name] ?? '') : text(name); // made at the first start
    if (/\p{Cc}/u.test(value)) faults.push(`${name} has a control character, such as a line's end`);
    if (fault?.pattern.test(value)) faults.push(`${name} ${fault.message}`);
    return value;
  };
  const address = (name: string): string => {
    const given = text(name);
    const value = given === 'localhost' ? '127.0.0.1' : given;
    if (value && !isIP(value)) faults.push(`${name} is not an address of IPv4 or IPv6`);
    return value;
  };
  const addresses = (name: string): string[] => {
    const values = (variables[name] ?? '').split(',').map((value) => value.trim());
    const given = values.filter((value) => value !== '');
    if (!given.every((value) => /^[^\s/@]+:\d{1,5}$/.test(value)))
      faults.push(`${name} is not host:port, or some with commas`);
    return given;
  };
  const postgresUser = {
    pattern: /^pg_|["$'\\]/,
    message: `begins with pg_ or has one of " $ ' \\: PostgreSQL takes no such user`,
  };
  const rabbitmqUser = { pattern: /:/, message: 'has a colon, at which HTTP would end it' };
  const settings: Settings = {
    variables,
    // Object.fromEntries forgets the names that it was given.
    ports: Object.fromEntries(portVariables.map((name) => [name, port(name)])) as Ports,
    host: address('HOST'),
    certificate: certificateFiles(variables, faults),
    nginxRateLimit: positive('NGINX_RATE_LIMIT'),
    nginxConnectionLimit: positive('NGINX_CONNECTION_LIMIT', 65_535), // nginx counts no further
    prometheusRetention: { time: text('PROMETHEUS_RETENTION_TIME'), size: text('PROMETHEUS_RETENTION_SIZE') },
    alertmanagers: addresses('ALERTMANAGERS'),
    postgres: { user: credential('POSTGRES_USER', postgresUser), password: credential('POSTGRES_PASSWORD') },
    rabbitmq: { user: credential('RABBITMQ_USER', rabbitmqUser), password: credential('RABBITMQ_PASSWORD') },
    secretFiles,
  };
  if (faults.length > 0) throw new StackError(faults.join('\n'));
  const { ports, host } = settings;
  const moved = Object.fromEntries(Object.entries(ports).map(([name, number]) => [name, String(number)]));
  const { certificate = '', key = '' } = settings.certificate ?? {};
  const final = { ...variables, ...moved, HOST: host, TLS_CERT_FILE: certificate, TLS_KEY_FILE: key };
  const issuer = issuerOf(settings);
  return { ...settings, variables: { ...final, ...composedVariables(final), JWT_ISSUER: issuer } };
}

/** How a program that is bound to `host` is addressed in a URL from this machine. */
export function reachableHost(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : urlHost(host);
}

/** What .env.example said before tokens named the place where their discovery documents answer. */
const formerIssuer = 'http://localhost/user-service';

/** Where tokens come from: the entry point, unless .env says another place. */
function issuerOf(settings: Settings): string {
  const given = settings.variables.JWT_ISSUER;
  return given && given !== formerIssuer ? given : entryUrl(settings);
}

/** What is left empty in .env where others say it. */
function composedVariables(variables: Record<string, string>): Record<string, string> {
  const composed: Record<string, string> = {};
  const host = reachableHost(variables.HOST ?? '');
  for (const { name, database, portVariable } of serviceWorkspaces) {
    if (database === undefined) continue; // the gateway: nobody asks it
    const [user, url] = [`${variablePrefix(database)}_DB_USER`, `${variablePrefix(name)}_URL`];
    composed[user] = variables[user] || `${database}_service`;
    composed[url] = variables[url] || `http://${host}:${variables[portVariable]}`;
  }
  return composed;
}

/** The values of all variables that the texts name: from the environment, or the last text that has it. */
function mergeVariables(texts: string[], environment: NodeJS.ProcessEnv): Record<string, string> {
  const parsed = Object.assign({}, ...texts.map(parseEnvironmentText)) as Record<string, string>;
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, environment[name] ?? value]));
}

/**
 * The variables with each secret that is in a file read from there: the servers and services of this machine run as others, who
 * need not get to that file. Kept, the paths are made absolute.
 */
function withSecretFiles(
  variables: Record<string, string>,
  faults: string[],
  areKept: boolean,
): Pick<Settings, 'variables' | 'secretFiles'> {
  const result = { ...variables };
  const secretFiles: Record<string, string> = {};
  for (const name of Object.keys(variables)) {
    const file = secretFileOf(name, variables);
    if (file === undefined) continue;
    const absolute = path.resolve(repository, file);
    const variable = name + FILE_SUFFIX;
    secretFiles[name] = absolute;
    if (areKept && !variables[name]) {
      result[variable] = absolute;
      continue;
    }
    const { text = '', fault } = readSecret(name, { ...variables, [variable]: absolute });
    if (fault !== undefined) faults.push(`${variable} ${fault}`);
    result[name] = text;
    result[variable] = '';
  }
  return { variables: result, secretFiles };
}

/** What .env.example once asked for: the values of other variables. They must not become passwords as they stand. */
function referenceFaults(texts: string[], names: Set<string>): string[] {
  const references = texts.flatMap(readAssignments).flatMap(({ name, value, quote }) => {
    if (quote === "'") return [];
    const referred = [...value.matchAll(/\$\{?(\w+)/g)].map(([, other = '']) => other);
    const known = [...new Set(referred)].filter((other) => names.has(other));
    return known.length > 0 ? [`${name} (to ${known.join(', ')})`] : [];
  });
  if (references.length === 0) return [];
  return [
    `Values in .env refer to other settings by a $, which is not filled in: ${references.join(', ')}. ` +
      'Empty such URLs, to have them made of their parts; write any other value itself, or in single quotes if the $ belongs to it',
  ];
}
