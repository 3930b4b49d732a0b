import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  SettingsError,
  brokerUrl,
  databaseUrl,
  databaseUrlOf,
  duration,
  flag,
  integer,
  list,
  loadSettings,
  oneOf,
  optional,
  port,
  secret,
  text,
  url,
} from './index.js';

const faultsOf = (work: () => unknown): readonly string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
};

describe('settings', () => {
  it('complete and well-formed -> typed values, defaults where unset or empty', () => {
    const settings = loadSettings(
      {
        PORT: port({ default: 80 }),
        WINDOW: duration({ default: '30m' }),
        ORIGINS: list(),
        LEVEL: oneOf(['info', 'debug'], { default: 'info' }),
        FLAG: optional(flag()),
        NAME: text(),
        POOL: integer({ min: 1, max: 10 }),
      },
      { PORT: '', WINDOW: '90s', ORIGINS: 'http://a.test, http://b.test', NAME: 'x', POOL: '7' },
    );
    expect(settings).toEqual({
      PORT: 80,
      WINDOW: 90_000,
      ORIGINS: ['http://a.test', 'http://b.test'],
      LEVEL: 'info',
      FLAG: undefined,
      NAME: 'x',
      POOL: 7,
    });
  });

  it('variables that were passed on under another name -> their faults name what the user has set', () => {
    const environment = {
      NODE_ENV: 'production',
      SETTING_NAMES: 'SUPERUSER=POSTGRES_USER  SUPERUSER_PASSWORD=POSTGRES_PASSWORD\nPORT=OWN_PORT',
      SUPERUSER: 'postgres',
      SUPERUSER_PASSWORD: 'short',
      DATABASE_PORT: 'none',
    };
    const names = {
      host: 'HOST',
      port: 'DATABASE_PORT',
      user: 'SUPERUSER',
      password: 'SUPERUSER_PASSWORD',
      name: 'NAME',
    };
    expect(
      faultsOf(() => loadSettings({ URL: databaseUrl(names), PORT: integer({ min: 1, max: 2 }) }, environment)),
    ).toEqual([
      'DATABASE_PORT must be a whole number',
      'POSTGRES_PASSWORD must have at least 32 bytes in production',
      'NAME is missing',
      'OWN_PORT is missing',
    ]);
  });

  it('several faults -> all of them at once, each naming its variable and no value', () => {
    const faults = faultsOf(() =>
      loadSettings(
        {
          MISSING: text(),
          PORT: port(),
          WINDOW: duration(),
          DATABASE: url({ schemes: ['postgresql'] }),
          LEVEL: oneOf(['info', 'debug']),
          FLAG: flag(),
        },
        { PORT: '99999', WINDOW: '30', DATABASE: 'mysql://secret-host', LEVEL: 'loud', FLAG: 'yes' },
      ),
    );
    expect(faults).toEqual([
      'MISSING is missing',
      'PORT must be from 0 to 65535',
      'WINDOW must be a length of time such as 500ms, 30s, 30m or 1h',
      'DATABASE must be a URL that starts with postgresql://',
      'LEVEL must be one of info, debug',
      'FLAG must be true or false',
    ]);
  });

  it('production -> refuses example secrets, short ones, and such passwords in URLs', () => {
    const settings = {
      KEY: secret({ examples: ['example-example-example-example-example'] }),
      SHORT: secret(),
      DATABASE: url({ schemes: ['postgresql'], examplePasswords: ['password'] }),
    };
    const environment = {
      KEY: 'example-example-example-example-example',
      SHORT: 'short',
      DATABASE: 'postgresql://postgres:password@db/user',
    };
    expect(faultsOf(() => loadSettings(settings, { ...environment, NODE_ENV: 'development' }))).toEqual([]);
    expect(faultsOf(() => loadSettings(settings, { ...environment, NODE_ENV: 'production' }))).toEqual([
      'KEY is the example value, which production refuses',
      'SHORT must have at least 32 bytes in production',
      'DATABASE has a password that is the example value, which production refuses',
    ]);
  });

  it.each([
    ['no user and no password', 'amqp://broker', 'must have a user and a password in production'],
    ['no password', 'amqp://shop@broker', 'must have a user and a password in production'],
    ['an empty password', 'amqp://shop:@broker', 'must have a user and a password in production'],
    ['no user', `amqp://:${'p'.repeat(32)}@broker`, 'must have a user and a password in production'],
    [
      'another password in the query',
      `amqp://shop:${'p'.repeat(32)}@broker/?x=1&%70assword=guest`,
      'must have its password in front of the host, not in the query',
    ],
    [
      'an example that is encoded',
      'amqp://guest:%67uest@broker',
      'has a password that is the example value, which production refuses',
    ],
    ['a short one', 'amqp://shop:short@broker', 'has a password that must have at least 32 bytes in production'],
    ['a % that is none', 'amqp://shop:%zz@broker', 'has a user or password with a % that must be written %25'],
  ])('production, a URL of a server with %s -> refused, in one line', (_case, value, fault) => {
    const settings = { BROKER: url({ schemes: ['amqp'], examplePasswords: ['guest'] }), NAME: text() };
    const environment = { BROKER: value, NODE_ENV: 'production' };
    expect(faultsOf(() => loadSettings(settings, environment))).toEqual([`BROKER ${fault}`, 'NAME is missing']);
  });

  it('production, a URL of a server with its own password -> taken; one of a server that asks for none -> as it is', () => {
    const settings = {
      DATABASE: url({ schemes: ['postgresql'], examplePasswords: ['password'] }),
      SERVICE: url({ schemes: ['http'] }),
    };
    const environment = {
      DATABASE: `postgresql://shop:${'%20'.repeat(32)}@db/user?sslmode=require`,
      SERVICE: 'http://order',
    };
    expect(loadSettings(settings, { ...environment, NODE_ENV: 'production' })).toEqual(environment);
  });

  it('files for TLS that a URL names -> there, or said by the parameter', () => {
    const settings = { DATABASE: url({ schemes: ['postgresql'] }), BROKER: url({ schemes: ['amqp', 'amqps'] }) };
    const there = path.resolve('.env.example');
    const environment = {
      DATABASE: `postgresql://db/user?sslmode=verify-full&sslrootcert=${there}`,
      BROKER: `amqps://broker?cacertfile=${encodeURIComponent(there)}`,
    };
    expect(loadSettings(settings, environment)).toEqual(environment);
    const missing = { DATABASE: 'postgresql://db/user?sslrootcert=/none', BROKER: 'amqps://broker?keyfile=/none' };
    expect(faultsOf(() => loadSettings(settings, missing))).toEqual([
      "DATABASE names a file in sslrootcert that can't be read",
      "BROKER names a file in keyfile that can't be read",
    ]);
    expect(faultsOf(() => loadSettings(settings, { ...environment, BROKER: `amqp://b?cacertfile=${there}` }))).toEqual([
      'BROKER has cacertfile but no TLS: that begins with amqps://',
    ]);
  });

  it('.env.example -> one line a variable, nothing but capitals', () => {
    const example = readFileSync(path.resolve('.env.example'), 'utf8');
    const names = Object.keys(parseEnv(example));
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !/^[A-Z][A-Z0-9_]*$/.test(name))).toEqual([]);
  });
});

describe('a URL that is made of its parts', () => {
  const settings = {
    DATABASE_URL: databaseUrl({
      host: 'DB_HOST',
      port: 'DB_PORT',
      user: 'DB_USER',
      password: 'DB_PASSWORD',
      name: 'DB_NAME',
    }),
  };
  const parts = { DB_HOST: 'db.test', DB_PORT: '6432', DB_USER: 'shop', DB_PASSWORD: 'secret', DB_NAME: 'user' };
  const odd = ` p/q#r?s@t:u%v%25w$x'y"z\\\`{}|^[]<>&=+,;!*()~ пароль 🔑 `;

  it('user and password of any characters -> clients read them as they were', () => {
    const { DATABASE_URL } = loadSettings(settings, { ...parts, DB_USER: odd, DB_PASSWORD: odd });
    expect(new pg.Client({ connectionString: DATABASE_URL })).toMatchObject({
      host: 'db.test',
      port: 6432,
      user: odd,
      password: odd,
      database: 'user',
    });
    const { RABBITMQ_URL } = loadSettings({ RABBITMQ_URL: brokerUrl }, { RABBITMQ_USER: odd, RABBITMQ_PASSWORD: odd });
    const { username, password, host } = new URL(RABBITMQ_URL);
    expect([username, password].map(decodeURIComponent)).toEqual([odd, odd]);
    expect(host).toBe('127.0.0.1:5672');
  });

  it('an address of IPv6 -> in brackets', () => {
    expect(loadSettings(settings, { ...parts, DB_HOST: '::1' }).DATABASE_URL).toContain('@[::1]:6432/');
  });

  it('a whole URL -> wins over the parts, whatever is wrong with them', () => {
    const whole = { ...parts, DB_PORT: 'none', DB_PASSWORD: 'password', DATABASE_URL: 'postgres://a:b@c/d' };
    expect(loadSettings(settings, whole).DATABASE_URL).toBe('postgres://a:b@c/d');
  });

  it('faults of the parts -> each names its own variable', () => {
    expect(faultsOf(() => loadSettings(settings, { ...parts, DB_PORT: '0', DB_PASSWORD: '', DB_NAME: 'a/b' }))).toEqual(
      [
        'DB_PORT must be from 1 to 65535',
        'DB_PASSWORD is missing',
        'DB_NAME must be up to 63 letters, digits, _ and -',
      ],
    );
    expect(faultsOf(() => loadSettings(settings, {}))).toEqual(['DATABASE_URL is missing']);
    const production = { ...parts, NODE_ENV: 'production', DB_PASSWORD: 'password' };
    expect(faultsOf(() => loadSettings(settings, production))).toEqual([
      'DB_PASSWORD is the example value, which production refuses',
    ]);
  });
});

describe('secrets in files', () => {
  let directory: string;
  const fileOf = (content: string | Uint8Array): string => {
    const file = path.join(directory, 'secret');
    writeFileSync(file, content);
    return file;
  };
  const load = (environment: Record<string, string>) => loadSettings({ TOKEN: secret() }, environment).TOKEN;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'shop-secret-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it.each([
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['s3cret', 's3cret'],
    [' s3 cret \n\n', ' s3 cret \n'],
  ])('%j in the file that NAME_FILE names -> %j: one newline at the end is not part of it', (content, expected) => {
    expect(load({ TOKEN: '', TOKEN_FILE: fileOf(content) })).toBe(expected);
  });

  it('both the secret and its file -> refused, whatever they hold', () => {
    const faults = faultsOf(() => load({ TOKEN: 'a', TOKEN_FILE: fileOf('a') }));
    expect(faults).toEqual(['TOKEN_FILE is set, and so is the variable without _FILE: empty one of the two']);
  });

  it('a file that holds no secret -> a fault that names the variable, and neither path nor content', () => {
    const faultOf = (file: string) => faultsOf(() => load({ TOKEN_FILE: file }));
    expect(faultOf(path.join(directory, 'missing'))).toEqual(["TOKEN_FILE names a file that can't be read (ENOENT)"]);
    expect(faultOf(directory)).toEqual(['TOKEN_FILE names something that is not a file']);
    expect(faultOf(fileOf('\n'))).toEqual(['TOKEN_FILE names a file that is empty']);
    expect(faultOf(fileOf(new Uint8Array([0xff, 0xfe])))).toEqual([
      'TOKEN_FILE names a file that is not text in UTF-8',
    ]);
    expect(faultOf(fileOf('x'.repeat(65_537)))).toEqual(['TOKEN_FILE names a file of over 65536 bytes']);
  });

  it('a secret in a file that production refuses -> the fault names the variable that was set, by its name outside', () => {
    const environment = { NODE_ENV: 'production', TOKEN_FILE: fileOf('short'), SETTING_NAMES: 'TOKEN=SHOP_TOKEN' };
    expect(faultsOf(() => load(environment))).toEqual(['SHOP_TOKEN_FILE must have at least 32 bytes in production']);
  });

  it('a database whose URL, or password, is in a file -> its URL', () => {
    const read = (environment: Record<string, string>) =>
      loadSettings({ ORDER_DATABASE_URL: databaseUrlOf('ORDER') }, environment).ORDER_DATABASE_URL;
    const url = 'postgresql://a:b@db:5432/order';
    expect(read({ ORDER_DATABASE_URL_FILE: fileOf(`${url}\n`) })).toBe(url);
    const parts = { ORDER_DB_HOST: 'db', ORDER_DB_USER: 'a', ORDER_DB_NAME: 'order' };
    expect(read({ ...parts, ORDER_DB_PASSWORD_FILE: fileOf('b') })).toBe(url);
  });

  it('a setting that is no secret -> takes no file', () => {
    expect(loadSettings({ NAME: text({ default: 'x' }) }, { NAME_FILE: fileOf('y') }).NAME).toBe('x');
  });
});
