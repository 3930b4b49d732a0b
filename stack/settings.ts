// The settings that the stack itself needs, from .env.example, .env and the environment; the later ones win.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { expand } from 'dotenv-expand';
import { StackError } from './errors.ts';
import { repository } from './paths.ts';

export const portVariables = [
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
] as const;
export type PortVariable = (typeof portVariables)[number];

export interface Settings {
  /** Every variable of .env.example and .env, filled in. */
  variables: Record<string, string>;
  ports: Record<PortVariable, number>;
  host: string;
  postgres: { user: string; password: string };
  rabbitmq: { user: string; password: string };
}

/** Reads the settings of a working copy. Throws a StackError with one line for each fault. */
export function loadSettings(environment: NodeJS.ProcessEnv = process.env, directory = repository): Settings {
  const read = (name: string) => {
    const file = path.join(directory, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  return parseSettings([read('.env.example'), read('.env')], environment);
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
  const settings: Settings = {
    variables,
    // Object.fromEntries forgets the names that it was given.
    ports: Object.fromEntries(portVariables.map((name) => [name, port(name)])) as Record<PortVariable, number>,
    host: text('HOST'),
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
