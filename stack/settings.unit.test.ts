import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { baseEnvironment } from './environment.ts';
import { migrationEnvironment, serviceEnvironment, services } from './services.ts';
import { repository } from './paths.ts';
import { entryPortNote, entryUrl, withOpenEntryPort } from './entry-point.ts';
import {
  environmentNotes,
  loadSettings,
  parseSettings,
  portVariables,
  reachableHost,
  opensAnyPort,
} from './settings.ts';

const example = readFileSync(path.join(repository, '.env.example'), 'utf8');

describe('parseSettings', () => {
  it('.env.example alone -> the documented ports, and what others say where it is empty', () => {
    const { ports, variables } = parseSettings([example], {});
    expect(ports).toMatchObject({ GATEWAY_PORT: 4000, USER_DB_PORT: 5432, RABBITMQ_PORT: 5672, ADMINER_PORT: 8080 });
    expect(variables).toMatchObject({
      USER_DB_USER: 'user_service',
      USER_DB_OWNER: 'user_owner',
      USER_SERVICE_URL: 'http://127.0.0.1:8081',
    });
  });

  it('.env and the environment -> win over the example, in what is made of them too', () => {
    const { ports, variables } = parseSettings([example, 'ORDER_SERVICE_PORT=6432\nGATEWAY_PORT=4001\n'], {
      GATEWAY_PORT: '4002',
    });
    expect(ports).toMatchObject({ ORDER_SERVICE_PORT: 6432, GATEWAY_PORT: 4002 });
    expect(variables.ORDER_SERVICE_URL).toBe('http://127.0.0.1:6432');
  });

  it('a variable that is empty in the environment -> stays empty', () => {
    expect(parseSettings([example], { ADMIN_EMAIL: '' }).variables.ADMIN_EMAIL).toBe('');
  });

  it('a password of any characters -> as it stands', () => {
    const password = 'a/b#c?d@e:f%25g$POSTGRES h\\i"j&k{l}m';
    const { variables, postgres } = parseSettings(
      [example, `POSTGRES_PASSWORD='${password}'\nORDER_DB_PASSWORD='${password}'`],
      {},
    );
    expect([postgres.password, variables.ORDER_DB_PASSWORD]).toEqual([password, password]);
  });

  describe('secrets in files', () => {
    let directory: string;
    const fileOf = (text: string) => {
      const file = path.join(directory, 'secret');
      writeFileSync(file, text);
      return file;
    };
    beforeEach(() => {
      directory = mkdtempSync(path.join(tmpdir(), 'shop-secrets-'));
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    it('a path -> servers and services are given the secret that is in it, not the path', () => {
      const file = fileOf('from a file\n');
      const { postgres, variables, secretFiles } = parseSettings([example], { POSTGRES_PASSWORD_FILE: file });
      expect([postgres.password, variables.POSTGRES_PASSWORD_FILE]).toEqual(['from a file', '']);
      expect(secretFiles).toEqual({ POSTGRES_PASSWORD: file });
    });

    it('kept for containers -> the path is absolute, and the secret is not read', () => {
      const environment = { ORDER_DB_PASSWORD_FILE: 'nowhere/at-all' };
      const { variables } = parseSettings([example], environment, { keepSecretFiles: true });
      expect(variables.ORDER_DB_PASSWORD_FILE).toBe(path.join(repository, 'nowhere/at-all'));
      expect(variables.ORDER_DB_PASSWORD).toBe('');
    });

    it('set twice, or in a file that is not there -> said, naming the variable', () => {
      const environment = { ADMIN_PASSWORD_FILE: fileOf('x'), RABBITMQ_PASSWORD_FILE: '/nowhere' };
      const read =
        (options = {}) =>
        () =>
          parseSettings([example], environment, options);
      const twice = 'ADMIN_PASSWORD_FILE is set, and so is the variable without _FILE: empty one of the two';
      expect(read()).toThrow(`RABBITMQ_PASSWORD_FILE names a file that can't be read (ENOENT)\n${twice}`);
      expect(read({ keepSecretFiles: true })).toThrow(twice);
    });

    it('.env.example -> has a variable for the file of each secret', () => {
      const { variables } = parseSettings([example], {});
      const names = Object.keys(variables).filter((name) =>
        /(PASSWORD|SECRETS?|SECRET_KEY|PRIVATE_KEY|DATABASE_URL|RABBITMQ_URL)$/.test(name),
      );
      expect(names.length).toBeGreaterThanOrEqual(21);
      expect(names.filter((name) => variables[`${name}_FILE`] === undefined)).toEqual([]);
    });
  });

  it('credentials that a server would not take as they are -> said, naming their variables', () => {
    const environment = { POSTGRES_USER: 'pg_shop', POSTGRES_PASSWORD: 'a\nb', RABBITMQ_USER: 'shop:eu' };
    expect(() => parseSettings([example], environment)).toThrow(
      /^POSTGRES_USER begins with pg_ .*\nPOSTGRES_PASSWORD has a control character.*\nRABBITMQ_USER has a colon/,
    );
  });

  it('PORT_OFFSET -> moves every port, and what is made of one', () => {
    const [plain, moved] = ['0', '20000'].map((offset) => parseSettings([example, `PORT_OFFSET=${offset}`], {}));
    for (const name of portVariables) expect(moved?.ports[name]).toBe((plain?.ports[name] ?? 0) + 20_000);
    expect(moved?.variables).toMatchObject({ RABBITMQ_PORT: '25672', USER_SERVICE_URL: 'http://127.0.0.1:28081' });
    expect(() => parseSettings([example], { PORT_OFFSET: '50000' })).toThrow(
      'RABBITMQ_MANAGEMENT_PORT and PORT_OFFSET make 65672, above 65535',
    );
    const ports = [plain, moved].flatMap((settings) => [
      ...Object.values(settings?.ports ?? {}),
      ...['GRAFANA_PORT', 'JAEGER_PORT'].map(
        (name) => Number(settings?.variables[name]) + (settings === moved ? 20_000 : 0),
      ),
    ]);
    expect(ports).toHaveLength(2 * (portVariables.length + 2));
    expect(new Set(ports).size).toBe(ports.length); // the two run side by side
    expect(() => parseSettings([example], { PORT_OFFSET: '-1' })).toThrow('PORT_OFFSET is not a whole number from 0');
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:8081'],
    ['localhost', 'http://127.0.0.1:8081'],
    ['0.0.0.0', 'http://127.0.0.1:8081'],
    ['::', 'http://127.0.0.1:8081'],
    ['::1', 'http://[::1]:8081'],
    ['192.0.2.7', 'http://192.0.2.7:8081'],
  ])('HOST=%s -> processes find each other at %s', (host, url) => {
    const settings = parseSettings([example, `HOST=${host}`], {});
    expect(settings.variables.USER_SERVICE_URL).toBe(url);
    expect(`http://${reachableHost(settings.host)}:8081`).toBe(url);
  });

  it('HOST that is no address -> said', () => {
    expect(() => parseSettings([example], { HOST: '[::1]' })).toThrow('HOST is not an address of IPv4 or IPv6');
  });

  it('NODE_ENV and HOST of a shell -> not used, and said; other settings of it win', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'shop-settings-'));
    writeFileSync(path.join(directory, '.env.example'), example);
    const shell = { NODE_ENV: 'production', HOST: 'laptop', LOG_LEVEL: 'debug' };
    const settings = loadSettings(shell, directory);
    rmSync(directory, { recursive: true });
    expect(settings.variables).toMatchObject({ NODE_ENV: 'development', HOST: '127.0.0.1', LOG_LEVEL: 'debug' });
    expect(environmentNotes(settings, shell)).toEqual([
      'NODE_ENV of the environment is not used: it is development, as .env says',
      'HOST of the environment is not used: it is 127.0.0.1, as .env says',
    ]);
    expect(environmentNotes(settings, { NODE_ENV: 'development' })).toEqual([]);
  });

  it('values that refer to variables, as in an earlier .env.example -> named in one line with the remedy, not taken for values', () => {
    const url = 'postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD}@${HOST}:1/${HOST}';
    const env = `USER_DATABASE_URL=${url}\nORDER_DB_NAME=$HOST\nADMIN_PASSWORD=a$b\${c}`;
    expect(() => parseSettings([example, env], {})).toThrow(
      /^Values in \.env refer .*: USER_DATABASE_URL \(to POSTGRES_USER, POSTGRES_PASSWORD, HOST\), ORDER_DB_NAME \(to HOST\)\. Empty such URLs.*$/,
    );
    expect(parseSettings([example, "ORDER_DB_NAME='$HOST'"], {}).variables.ORDER_DB_NAME).toBe('$HOST');
  });

  it('the environment of the caller -> does not get into the settings, nor changes', () => {
    const environment = { HOME: '/home/somebody', GATEWAY_PORT: '4002' };
    expect(parseSettings([example], environment).variables).not.toHaveProperty('HOME');
    expect(environment).toEqual({ HOME: '/home/somebody', GATEWAY_PORT: '4002' });
  });

  it('several faults -> one line for each, naming the variable', () => {
    const read = () => parseSettings([example], { GATEWAY_PORT: 'http', USER_DB_PORT: '70000', POSTGRES_USER: '' });
    expect(read).toThrow(
      'GATEWAY_PORT is not a port between 1 and 65535\n' +
        'USER_DB_PORT is not a port between 1 and 65535\n' +
        'POSTGRES_USER is missing: set it in .env',
    );
  });
});

describe('the entry port', () => {
  it.each([
    ['root', {}, 0, true],
    ['another user', {}, 1000, false],
    ['another user, with containers', { STACK: 'docker' }, 1000, true],
  ])('started by %s -> whether it may be any port', (_who, environment, user, expected) => {
    expect(opensAnyPort(environment, user)).toBe(expected);
  });

  const settings = parseSettings([example], {});

  it('one that everybody may open -> as it is, and nothing to tell', () => {
    for (const usable of [withOpenEntryPort(settings, 0), withOpenEntryPort(settings, 80)]) {
      expect(usable.ports.NGINX_PORT).toBe(80);
      expect(entryPortNote(usable)).toBeUndefined();
    }
  });

  it('one that is only for root -> 8000, and a note that says how to change that', () => {
    const usable = withOpenEntryPort(settings, 1024);
    expect(usable.ports).toEqual({ ...settings.ports, NGINX_PORT: 8000, NGINX_TLS_PORT: 8443 });
    expect(entryPortNote(usable)).toMatch(/^port 80 is only for root: .*http:\/\/localhost:8000 .*NGINX_PORT in \.env/);
  });

  it('JWT_ISSUER -> where nginx answers, unless .env says another place than versions before did', () => {
    const issuer = (JWT_ISSUER: string, firstOpen = 0) =>
      withOpenEntryPort(parseSettings([example], { JWT_ISSUER }), firstOpen).variables.JWT_ISSUER;
    expect(issuer('')).toBe('http://localhost');
    expect(issuer('http://localhost/user-service')).toBe('http://localhost');
    expect(issuer('', 1024)).toBe('http://localhost:8000');
    expect(issuer('https://shop.example.com', 1024)).toBe('https://shop.example.com');
  });

  it('a certificate -> the entry point is https, tokens come from there, and services know nothing of its files', () => {
    const files = { TLS_CERT_FILE: '/etc/shop/a.crt', TLS_KEY_FILE: '/etc/shop/a.key' };
    const settings = parseSettings([example], files);
    expect([entryUrl(settings), settings.variables.JWT_ISSUER]).toEqual(['https://localhost', 'https://localhost']);
    expect(serviceEnvironment('payment-service', settings)).not.toMatchObject({ TLS_KEY_FILE: expect.anything() });
    const elsewhere = parseSettings([example], { ...files, PORT_OFFSET: '20000' });
    expect(entryUrl(elsewhere)).toBe('https://localhost:20443');
    const open = withOpenEntryPort(settings, 1024);
    expect([entryUrl(open), open.variables.JWT_ISSUER]).toEqual(['https://localhost:8443', 'https://localhost:8443']);
    expect(entryPortNote(open)).toMatch(
      /^port 443 is only for root: .*https:\/\/localhost:8443 .*NGINX_TLS_PORT in \.env/,
    );
  });

  it('a limit of nginx that is none -> said', () => {
    expect(() => parseSettings([example], { NGINX_RATE_LIMIT: '0' })).toThrow('NGINX_RATE_LIMIT is not a whole number');
    expect(() => parseSettings([example], { NGINX_CONNECTION_LIMIT: '65536' })).toThrow(
      'NGINX_CONNECTION_LIMIT is above 65535',
    );
  });
});

describe('baseEnvironment', () => {
  it('what a shell exports for other programs -> reaches nobody; texts are UTF-8 and times UTC', () => {
    const ours = { PATH: '/bin', HOME: '/home/ada' };
    const others = {
      ...{
        NODE_ENV: 'production',
        NODE_OPTIONS: '--inspect',
        npm_config_omit: 'dev',
        HTTPS_PROXY: 'http://p',
        all_proxy: 'p',
      },
      ...{
        PGHOST: 'db',
        PGSSLMODE: 'require',
        RABBITMQ_NODENAME: 'x',
        ERL_FLAGS: '+S 1',
        PHPRC: '/x',
        DOCKER_HOST: 'y',
      },
      ...{ LANG: 'tr_TR.ISO-8859-9', LC_ALL: 'POSIX', TZ: 'Asia/Tokyo' },
    };
    expect(baseEnvironment({ ...ours, ...others })).toEqual({ ...ours, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC' });
  });
});

describe('serviceEnvironment', () => {
  const settings = parseSettings([example], { JWT_PRIVATE_KEY: 'secret', RABBITMQ_PASSWORD: 'hop' });

  it('the user service -> gets its own secrets', () => {
    expect(serviceEnvironment('user-service', settings)).toMatchObject({
      JWT_PRIVATE_KEY: 'secret',
      USER_DB_USER: 'user_service',
      RABBITMQ_PASSWORD: 'hop',
    });
  });

  it('other services -> get neither the private key nor the database of another one', () => {
    const environment = serviceEnvironment('order-service', settings);
    for (const hidden of ['JWT_PRIVATE_KEY', 'ADMIN_PASSWORD', 'USER_DATABASE_URL', 'PAYMENT_DB_PASSWORD']) {
      expect(environment).not.toHaveProperty(hidden);
    }
    expect(environment.ORDER_DB_PASSWORD).toBe(settings.variables.ORDER_DB_PASSWORD);
  });

  it('every secret of .env.example but that of the broker -> is seen by one service at most', () => {
    const secrets = Object.keys(settings.variables).filter((name) =>
      /PRIVATE|SECRET|(?<!RABBITMQ_)PASSWORD$|DATABASE_URL/.test(name),
    );
    const seenBy = (secret: string) => services.filter(({ name }) => secret in serviceEnvironment(name, settings));
    expect(secrets.length).toBeGreaterThan(5);
    expect(secrets.filter((secret) => seenBy(secret).length > 1)).toEqual([]);
  });
});

describe('migrationEnvironment', () => {
  it('production -> secrets are checked as such, and faults named as in .env', () => {
    const settings = parseSettings([example, 'NODE_ENV=production\nPOSTGRES_PASSWORD=short'], {});
    for (const { database } of services) {
      if (!database) continue;
      const environment = migrationEnvironment(database, settings);
      expect(environment).toMatchObject({ NODE_ENV: 'production', SUPERUSER_PASSWORD: 'short' });
      const names = Object.fromEntries(environment.SETTING_NAMES?.split(' ').map((pair) => pair.split('=')) ?? []);
      expect(names).toMatchObject({
        SUPERUSER_PASSWORD: 'POSTGRES_PASSWORD',
        DATABASE_PASSWORD: expect.stringMatching(/_DB_OWNER_PASSWORD$/),
      });
    }
  });
});
