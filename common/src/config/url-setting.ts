import { accessSync, constants } from 'node:fs';
import { connectionUrl } from './connection-url.js';
import { loadSettings, type Environment, type Setting } from './load-settings.js';
import { isSecretGiven } from './secret-file.js';
import { integer, readAs, text } from './setting.js';

/** Bytes that a secret must have at least in production: 256 bits, as RFC 7518 asks of an HS256 key. */
const MIN_SECRET_BYTES = 32;

const secretFault = (value: string, examples: readonly string[]): string | undefined => {
  if (examples.includes(value)) return 'is the example value, which production refuses';
  if (Buffer.byteLength(value) < MIN_SECRET_BYTES) return `must have at least ${MIN_SECRET_BYTES} bytes in production`;
  return undefined;
};

/** A secret. Production refuses the examples and anything under 32 bytes. */
export const secret = (options: { examples?: readonly string[]; default?: string } = {}): Setting<string> => ({
  ...text(options),
  isVerbatim: true,
  isSecret: true,
  productionFault: (value) => secretFault(value, options.examples ?? []),
});

const decoded = (part: string): string | undefined => {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined; // a % that begins no byte of UTF-8
  }
};

const passwordFault = (url: URL, examplePasswords: readonly string[]): string | undefined => {
  // Libraries fill in what is missing, such as guest of RabbitMQ, and let the query replace what stands in front.
  if (url.username === '' || url.password === '') return 'must have a user and a password in production';
  if (url.searchParams.has('password')) return 'must have its password in front of the host, not in the query';
  const fault = secretFault(decoded(url.password) ?? '', examplePasswords);
  return fault === undefined ? undefined : `has a password that ${fault}`;
};

const encodingFault = (value: string): string | undefined => {
  const { username, password } = new URL(value);
  return decoded(username) === undefined || decoded(password) === undefined
    ? 'has a user or password with a % that must be written %25'
    : undefined;
};

/** What names a file in the query of a URL: PostgreSQL's and RabbitMQ's own parameters for TLS. */
const FILE_PARAMETERS = ['sslrootcert', 'sslcert', 'sslkey', 'cacertfile', 'certfile', 'keyfile'];

const isReadable = (file: string): boolean => {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
};

const fileFault = (value: string): string | undefined => {
  const { protocol, searchParams } = new URL(value);
  const named = FILE_PARAMETERS.filter((parameter) => searchParams.get(parameter));
  if (protocol === 'amqp:' && named.length > 0) return `has ${named[0]} but no TLS: that begins with amqps://`;
  const missing = named.find((parameter) => !isReadable(searchParams.get(parameter) ?? ''));
  return missing && `names a file in ${missing} that can't be read`;
};

/**
 * An absolute URL of one of the given schemes. With `examplePasswords` it is that of a server that asks for a user and a
 * password: production refuses it without, and a password that is an example or under 32 bytes.
 */
export const url = (options: {
  schemes: readonly string[];
  examplePasswords?: readonly string[];
  default?: string;
}): Setting<string> => {
  const { schemes, examplePasswords } = options;
  const { schema } = readAs(
    (value) => (schemes.includes(URL.parse(value)?.protocol.slice(0, -1) ?? '') ? value : undefined),
    `must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    options.default,
  );
  return {
    schema: schema.superRefine((value, context) => {
      for (const fault of [encodingFault(value), fileFault(value)]) if (fault !== undefined) context.addIssue(fault);
    }),
    isSecret: examplePasswords !== undefined,
    productionFault: (value) => examplePasswords && passwordFault(new URL(value), examplePasswords),
  };
};

/** The variables that a URL is made of where it is not given as a whole. */
export interface ConnectionVariables {
  host: string;
  port: string;
  user: string;
  password: string;
  /** Of the database. */
  name?: string;
}

const databaseName = readAs(
  (value) => (/^[\w-]{1,63}$/.test(value) ? value : undefined),
  'must be up to 63 letters, digits, _ and -',
);

/**
 * The URL of a server that asks for a user and a password: given as a whole, or else made of its parts, each in a variable
 * of its own and taken as it is. The first of the schemes is that of a URL made so. Production refuses the examples as
 * passwords, and those under 32 bytes.
 */
export const connection = (
  variables: ConnectionVariables,
  options: { schemes: readonly [string, ...string[]]; defaultPort: number; examplePasswords: readonly string[] },
): Setting<string> => ({
  ...url(options),
  compose(environment: Environment): string | undefined {
    if (!environment[variables.user] && !isSecretGiven(variables.password, environment)) return undefined;
    const verbatim: Setting<string> = { ...text(), isVerbatim: true };
    const values = loadSettings(
      {
        [variables.host]: text({ default: '127.0.0.1' }),
        [variables.port]: integer({ min: 1, max: 65_535, default: options.defaultPort }),
        [variables.user]: verbatim,
        [variables.password]: secret({ examples: options.examplePasswords }),
        ...(variables.name !== undefined && { [variables.name]: databaseName }),
      },
      environment,
    );
    return connectionUrl(options.schemes[0], {
      host: String(values[variables.host]),
      port: Number(values[variables.port]),
      user: String(values[variables.user]),
      password: String(values[variables.password]),
      ...(variables.name !== undefined && { name: String(values[variables.name]) }),
    });
  },
});

/** The URL of a database, or the variables that it is made of. */
export const databaseUrl = (variables: Required<ConnectionVariables>): Setting<string> =>
  connection(variables, {
    schemes: ['postgresql', 'postgres'],
    defaultPort: 5432,
    examplePasswords: ['password'],
  });

/** The URL of a service's own database, by what its variables begin with: ORDER_DB_HOST and the others. */
export const databaseUrlOf = (prefix: string): Setting<string> =>
  databaseUrl({
    host: `${prefix}_DB_HOST`,
    port: `${prefix}_DB_PORT`,
    user: `${prefix}_DB_USER`,
    password: `${prefix}_DB_PASSWORD`,
    name: `${prefix}_DB_NAME`,
  });
