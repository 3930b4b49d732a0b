import ms, { type StringValue } from 'ms';
import proxyaddr from 'proxy-addr';
import { z } from 'zod';
import type { Setting } from './load-settings.js';

/**
 * A setting whose text `read` understands, or `fallback` where the variable is unset. `fault`: what a text must be for which
 * `read` answers undefined.
 */
export const readAs = <T>(read: (text: string) => T | undefined, fault: string, fallback?: string): Setting<T> => {
  const schema = z.string().transform((text, context): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  });
  return { schema: fallback === undefined ? schema : z.string().default(fallback).pipe(schema) };
};

/** Any text. */
export const text = (options: { default?: string } = {}): Setting<string> =>
  readAs((value) => value, 'must be text', options.default);

/** One of a fixed set of words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(
  words: T,
  options: { default?: T[number] } = {},
): Setting<T[number]> =>
  readAs<T[number]>(
    (value) => words.find((candidate) => candidate === value),
    `must be one of ${words.join(', ')}`,
    options.default,
  );

/** A whole number within bounds. */
export const integer = ({ min, max, ...options }: { min: number; max: number; default?: number }): Setting<number> => {
  const { schema } = readAs(
    (value) => (/^-?\d{1,15}$/.test(value) ? Number(value) : undefined),
    'must be a whole number',
    options.default?.toString(),
  );
  return { schema: schema.refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`) };
};

/** A number from 0 to 1. */
export const fraction = (options: { default?: number } = {}): Setting<number> =>
  readAs(
    (value) => (/^(?:0|1|0?\.\d{1,9}|1\.0)$/.test(value) ? Number(value) : undefined),
    'must be a number from 0 to 1',
    options.default?.toString(),
  );

/** A TCP port; 0 lets the system choose a free one. */
export const port = (options: { default?: number } = {}): Setting<number> =>
  integer({ min: 0, max: 65_535, ...options });

// ms() reads bare numbers as milliseconds; a unit is asked for, so that nobody takes them for seconds.
const isDuration = (value: string): value is StringValue => /^\d+(\.\d+)?\s?(ms|s|m|h|d)$/.test(value);

const readDuration = (value: string): number | undefined => (isDuration(value) && ms(value)) || undefined;

/** A length of time such as 500ms, 30s, 30m, 1h or 7d, in milliseconds. */
export const duration = (options: { default?: StringValue } = {}): Setting<number> =>
  readAs(readDuration, 'must be a length of time such as 500ms, 30s, 30m or 1h', options.default);

/** So many of something in a length of time. */
export interface Rate {
  readonly quota: number;
  /** Milliseconds. */
  readonly window: number;
}

const MAX_QUOTA = 1_000_000;
const MAX_RATE_WINDOW = ms('1d');

function readRate(value: string): Rate | undefined {
  const [, digits = '', time = ''] = /^(\d{1,7})\/(.{1,20})$/.exec(value) ?? [];
  const quota = Number(digits);
  const window = readDuration(time) ?? 0;
  return quota >= 1 && quota <= MAX_QUOTA && window >= 1_000 && window <= MAX_RATE_WINDOW
    ? { quota, window }
    : undefined;
}

/** A rate such as 10/15m or 500/1h: up to 1,000,000 of something, in up to a day. */
export const rate = (options: { default?: `${number}/${StringValue}` } = {}): Setting<Rate> =>
  readAs(readRate, 'must be a number in a length of time up to a day, such as 10/15m', options.default);

/** true or false. */
export const flag = (): Setting<boolean> =>
  readAs((value) => (/^(true|false)$/.test(value) ? value === 'true' : undefined), 'must be true or false');

/** RFC 8414, 2; http, too, since nobody has a certificate for localhost. */
const isIssuer = (value: string): boolean => {
  const { protocol, search, hash, href } = URL.parse(value) ?? {};
  return (
    /^https?:$/.test(protocol ?? '') &&
    !search &&
    !hash &&
    (href === value || href === `${value}/`) &&
    !value.endsWith('/')
  );
};

/** Where tokens come from: a URL below which their discovery documents are. */
export const issuer = (options: { default: string }): Setting<string> =>
  readAs(
    (value) => (isIssuer(value) ? value : undefined),
    'must be a URL such as https://shop.example.com, without a slash, query or fragment at its end',
    options.default,
  );

/** The texts that are separated by commas. */
export const splitList = (value: string): string[] =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const listOf = (areValid: (values: readonly string[]) => boolean, fault: string, fallback = '') =>
  readAs<readonly string[]>(
    (value) => {
      const values = splitList(value);
      return areValid(values) ? values : undefined;
    },
    fault,
    fallback,
  );

/** Texts separated by commas; none when unset. */
export const list = (): Setting<readonly string[]> => listOf(() => true, 'must be texts separated by commas');

function areNetworks(values: readonly string[]): boolean {
  try {
    proxyaddr.compile([...values]);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** Addresses and networks of IP, such as 10.0.0.0/8, separated by commas. */
export const networks = (options: { default: string }): Setting<readonly string[]> =>
  listOf(areNetworks, 'must be addresses or networks such as 10.0.0.0/8, separated by commas', options.default);

/** A browser sends its origin without a path, in lower case and with no port that the scheme implies. */
const isOrigin = (value: string): boolean => /^https?:/.test(value) && URL.parse(value)?.origin === value;

/** Origins of web pages, such as https://shop.example.com, separated by commas; none when unset. */
export const origins = (): Setting<readonly string[]> =>
  listOf(
    (values) => values.every(isOrigin),
    'must be origins such as https://shop.example.com, without a path, separated by commas',
  );

const isHost = (value: string): boolean =>
  /^(\[[\da-f:.]+\]|[\w-]+(\.[\w-]+)*)$/i.test(value) && URL.canParse(`http://${value}`);

/** Names and addresses of hosts, such as shop.example.com or [::1], separated by commas; none when unset. */
export const hosts = (): Setting<readonly string[]> =>
  listOf(
    (values) => values.every(isHost),
    'must be hosts such as shop.example.com or [::1], without a port, separated by commas',
  );

/** undefined when the variable is unset. */
export const optional = <T>({ schema, ...rest }: Setting<T>): Setting<T | undefined> => ({
  ...rest,
  schema: schema.optional(),
});
