// The settings that the stack itself needs, from .env.example, .env and the environment; the later ones win.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { expand } from 'dotenv-expand';
import { StackError } from './errors.ts';
import { repository } from './paths.ts';

export const portVariables = [
  'NGINX_PORT',
  'NGINX_STATUS_PORT',
  'GATEWAY_PORT',
  'USER_SERVICE_PORT',
  'ORDER_SERVICE_PORT',
  'PAYMENT_SERVICE_PORT',
  'USER_DB_PORT',
  'ORDER_DB_PORT',
  'PAYMENT_DB_PORT',
  'RABBITMQ_PORT',
  'RABBITMQ_MANAGEMENT_PORT',
  'RABBITMQ_METRICS_PORT',
  'RABBITMQ_DIST_PORT',
  'EPMD_PORT',
  'ADMINER_PORT',
  'PROMETHEUS_PORT',
  'NGINX_LOG_METRICS_PORT',
] as const;
export type PortVariable = (typeof portVariables)[number];

export interface Settings {
  /** Every variable of .env.example and .env, filled in. */
  variables: Record<string, string>;
  ports: Record<PortVariable, number>;
  host: string;
  /** Requests a minute that nginx takes from each client. */
  nginxRateLimit: number;
  /** Connections that each client may have requests on at a time. */
  nginxConnectionLimit: number;
  /** How long Prometheus keeps figures, and how much of the disk they may take. */
  prometheusRetention: { time: string; size: string };
  postgres: { user: string; password: string };
  rabbitmq: { user: string; password: string };
}

/** Reads the settings of a working copy. Throws a StackError with one line for each fault. */
export function loadSettings(environment: NodeJS.ProcessEnv = process.env, directory = repository): Settings {
  const read = (name: string) => {
    const file = path.join(directory, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const settings = parseSettings([read('.env.example'), read('.env')], environment);
  return process.getuid?.() === 0 ? settings : withOpenEntryPort(settings, firstOpenPort());
}

/** Where nginx listens when NGINX_PORT is only for root. */
const openEntryPort = 8000;

/** The settings with an entry port that everybody may open, where NGINX_PORT is below the first such port. */
export function withOpenEntryPort(settings: Settings, firstOpen: number): Settings {
  if (settings.ports.NGINX_PORT >= firstOpen) return settings;
  return { ...settings, ports: { ...settings.ports, NGINX_PORT: openEntryPort } };
}

/** What to tell the user when nginx does not listen where NGINX_PORT says. */
export function entryPortNote({ ports, variables }: Settings): string | undefined {
  if (ports.NGINX_PORT === Number(variables.NGINX_PORT)) return undefined;
  return (
    `port ${variables.NGINX_PORT} is only for root: nginx answers at http://localhost:${ports.NGINX_PORT} instead; ` +
    'start this as root, or set NGINX_PORT in .env to a port above 1023'
  );
}

/** See ip_unprivileged_port_start in ip(7); containers often set it to 0. */
function firstOpenPort(): number {
  return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
}

/** Parses settings from the texts of .env files, the later ones winning, and from the environment, which wins over all. */
export function parseSettings(texts: string[], environment: NodeJS.ProcessEnv): Settings {
  const variables = expandVariables(texts, environment);
  const faults: string[] = [];
  const text = (name: string): string => {
    const value = variables[name];
    if (!value) faults.push(`${name} is missing: set it in .env`);
    return value ?? '';
  };
  const port = (name: PortVariable): number => {
    const value = text(name);
    const number = Number(value);
    const valid = /^\d+$/.test(value) && number >= 1 && number <= 65_535;
    if (value && !valid) faults.push(`${name} is not a port between 1 and 65535`);
    return number;
  };
  const positive = (name: string, most = 999_999_999): number => {
    const value = text(name);
    if (value && !/^[1-9]\d{0,8}$/.test(value)) faults.push(`${name} is not a whole number above 0`);
    else if (Number(value) > most) faults.push(`${name} is above ${most}`);
    return Number(value);
  };
  const settings: Settings = {
    variables,
    // Object.fromEntries forgets the names that it was given.
    ports: Object.fromEntries(portVariables.map((name) => [name, port(name)])) as Record<PortVariable, number>,
    host: text('HOST'),
    nginxRateLimit: positive('NGINX_RATE_LIMIT'),
    nginxConnectionLimit: positive('NGINX_CONNECTION_LIMIT', 65_535), // nginx counts no further
    prometheusRetention: { time: text('PROMETHEUS_RETENTION_TIME'), size: text('PROMETHEUS_RETENTION_SIZE') },
    postgres: { user: text('POSTGRES_USER'), password: text('POSTGRES_PASSWORD') },
    rabbitmq: { user: text('RABBITMQ_USER'), password: text('RABBITMQ_PASSWORD') },
  };
  if (faults.length > 0) throw new StackError(faults.join('\n'));
  return settings;
}

function expandVariables(texts: string[], environment: NodeJS.ProcessEnv): Record<string, string> {
  const parsed = Object.fromEntries(texts.flatMap((text) => Object.entries(parseEnv(text) as Record<string, string>)));
  const names = Object.keys(parsed);
  const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  // parseEnv sorts the names, so a value may refer to one that comes after it.
  const processEnv = { ...parsed, ...Object.fromEntries(set) };
  const expanded = expand({ parsed, processEnv }).parsed ?? {};
  // dotenv-expand lets the file win over a variable that is set but empty.
  return Object.fromEntries(names.map((name) => [name, environment[name] ?? expanded[name] ?? '']));
}
