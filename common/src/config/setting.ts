import ms, { type StringValue } from 'ms';
import proxyaddr from 'proxy-addr';
import { z } from 'zod';
import type { Setting } from './load-settings.js';

/** A setting that is read by a schema alone. */
export const setting = <T>(schema: z.ZodType<T>): Setting<T> => ({ schema });

/** Reads `fallback`, where there is one, in place of a variable that is unset. */
export const withDefault = <T>(schema: z.ZodType<T, string>, fallback: string | undefined): z.ZodType<T> =>
  fallback === undefined
    ? z.string().pipe(schema)
    : z
        .string()
        .optional()
        .transform((value) => value ?? fallback)
        .pipe(schema);

/** Any text. */
export const text = (options: { default?: string } = {}): Setting<string> =>
  setting(withDefault(z.string(), options.default));

/** One of a fixed set of words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(
  words: T,
  options: { default?: T[number] } = {},
): Setting<T[number]> =>
  setting(
    withDefault(
      z.string().transform((value, context): T[number] => {
        const word = words.find((candidate) => candidate === value);
        if (word !== undefined) return word;
        context.addIssue({ code: 'custom', message: `must be one of ${words.join(', ')}` });
        return z.NEVER;
      }),
      options.default,
    ),
  );

/** A whole number within bounds. */
export const integer = (options: { min: number; max: number; default?: number }): Setting<number> =>
  setting(
    withDefault(
      z
        .string()
        .regex(/^-?\d{1,15}$/, 'must be a whole number')
        .transform(Number)
        .refine((value) => value >= options.min && value <= options.max, {
          message: `must be from ${options.min} to ${options.max}`,
        }),
      options.default?.toString(),
    ),
  );

/** A number from 0 to 1. */
export const fraction = (options: { default?: number } = {}): Setting<number> =>
  setting(
    withDefault(
      z
        .string()
        .regex(/^(?:0|1|0?\.\d{1,9}|1\.0)$/, 'must be a number from 0 to 1')
        .transform(Number),
      options.default?.toString(),
    ),
  );

/** A TCP port; 0 lets the system choose a free one. */
export const port = (options: { default?: number } = {}): Setting<number> =>
  integer({ min: 0, max: 65_535, ...options });

const isDuration = (value: string): value is StringValue => {
  // ms() reads bare numbers as milliseconds; a unit is asked for, so that nobody takes them for seconds.
  return /^\d+(\.\d+)?\s?(ms|s|m|h|d)$/.test(value);
};

/** A length of time such as 500ms, 30s, 30m, 1h or 7d, in milliseconds. */
export const duration = (options: { default?: StringValue } = {}): Setting<number> =>
  setting(
    withDefault(
      z.string().transform((value, context) => {
        if (isDuration(value) && ms(value) > 0) return ms(value);
        context.addIssue({ code: 'custom', message: 'must be a length of time such as 500ms, 30s, 30m or 1h' });
        return z.NEVER;
      }),
      options.default,
    ),
  );

/** So many of something in a length of time. */
export interface Rate {
  readonly quota: number;
  /** Milliseconds. */
  readonly window: number;
}

const MAX_QUOTA = 1_000_000;
const MAX_RATE_WINDOW = ms('1d');

/** A rate such as 10/15m or 500/1h: up to 1,000,000 of something, in up to a day. */
export const rate = (options: { default?: `${number}/${StringValue}` } = {}): Setting<Rate> =>
  setting(
    withDefault(
      z.string().transform((value, context): Rate => {
        const [, digits = '', time = ''] = /^(\d{1,7})\/(.{1,20})$/.exec(value) ?? [];
        const quota = Number(digits);
        const window = isDuration(time) ? ms(time) : 0;
        if (quota >= 1 && quota <= MAX_QUOTA && window >= 1_000 && window <= MAX_RATE_WINDOW) return { quota, window };
        context.addIssue({
          code: 'custom',
          message: 'must be a number in a length of time up to a day, such as 10/15m',
        });
        return z.NEVER;
      }),
      options.default,
    ),
  );

/** true or false. */
export const flag = (options: { default?: boolean } = {}): Setting<boolean> =>
  setting(
    withDefault(
      z
        .string()
        .regex(/^(true|false)$/, 'must be true or false')
        .transform((value) => value === 'true'),
      options.default?.toString(),
    ),
  );

function areNetworks(values: readonly string[]): boolean {
  try {
    proxyaddr.compile([...values]);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

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
export const issuer = (options: { default?: string } = {}): Setting<string> =>
  setting(
    withDefault(
      z.string().refine(isIssuer, {
        message: 'must be a URL such as https://shop.example.com, without a slash, query or fragment at its end',
      }),
      options.default,
    ),
  );

/** Texts separated by commas; none when unset. */
export const list = (options: { default?: string } = {}): Setting<readonly string[]> =>
  setting(
    withDefault(
      z.string().transform((value) =>
        value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      ),
      options.default ?? '',
    ),
  );

/** Addresses and networks of IP, such as 10.0.0.0/8, separated by commas. */
export const networks = (options: { default?: string } = {}): Setting<readonly string[]> => {
  const { schema } = list(options);
  return setting(
    schema.refine(areNetworks, { message: 'must be addresses or networks such as 10.0.0.0/8, separated by commas' }),
  );
};

/** A browser sends its origin without a path, in lower case and with no port that the scheme implies. */
const isOrigin = (value: string): boolean => /^https?:/.test(value) && URL.parse(value)?.origin === value;

/** Origins of web pages, such as https://shop.example.com, separated by commas; none when unset. */
export const origins = (options: { default?: string } = {}): Setting<readonly string[]> => {
  const { schema } = list(options);
  return setting(
    schema.refine((values) => values.every(isOrigin), {
      message: 'must be origins such as https://shop.example.com, without a path, separated by commas',
    }),
  );
};

const isHost = (value: string): boolean =>
  /^(\[[\da-f:.]+\]|[\w-]+(\.[\w-]+)*)$/i.test(value) && URL.canParse(`http://${value}`);

/** Names and addresses of hosts, such as shop.example.com or [::1], separated by commas; none when unset. */
export const hosts = (options: { default?: string } = {}): Setting<readonly string[]> => {
  const { schema } = list(options);
  return setting(
    schema.refine((values) => values.every(isHost), {
      message: 'must be hosts such as shop.example.com or [::1], without a port, separated by commas',
    }),
  );
};

/** undefined when the variable is unset. */
export const optional = <T>({ schema, ...rest }: Setting<T>): Setting<T | undefined> => ({
  ...rest,
  schema: schema.optional(),
});
