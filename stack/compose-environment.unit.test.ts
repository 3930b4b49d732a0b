import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { composeVariables, shellExports } from './compose-environment.ts';
import { repository } from './paths.ts';

const example = readFileSync(path.join(repository, '.env.example'), 'utf8');

describe('composeVariables', () => {
  it('.env.example -> every variable of it, as the other stack reads it', () => {
    const env = 'POSTGRES_PASSWORD=Correct$horse#1\nHOST=::1';
    expect(composeVariables([example, env], {})).toMatchObject({
      POSTGRES_PASSWORD: 'Correct$horse#1',
      NGINX_PORT: '80',
      GRAFANA_PORT: '3000',
      CONTAINER_NETWORK: '10.87.0',
      HOST: '[::1]',
    });
    expect(composeVariables([example], {})).not.toHaveProperty('COMPOSE_PROJECT_NAME');
    expect(composeVariables([example, 'COMPOSE_PROFILES=tools'], {})).not.toHaveProperty('COMPOSE_FILE');
  });

  it('PORT_OFFSET -> ports, containers, volumes and addresses of its own', () => {
    const variables = composeVariables([example, 'PORT_OFFSET=20000'], {});
    expect(variables).toMatchObject({
      NGINX_PORT: '20080',
      GRAFANA_PORT: '23000',
      COMPOSE_PROJECT_NAME: 'shop-20000',
      CONTAINER_NETWORK: '10.87.111',
    });
    const chosen = { COMPOSE_PROJECT_NAME: 'second', CONTAINER_NETWORK: '10.1.2' };
    expect(composeVariables([example, 'PORT_OFFSET=20000'], chosen)).toMatchObject(chosen);
  });

  it('a certificate -> Compose takes the file for TLS, too, beside those that somebody names', () => {
    const texts = [example, 'TLS_CERT_FILE=/a.crt\nTLS_KEY_FILE=/a.key\nCOMPOSE_PROFILES=metrics'];
    const filesOf = (environment: NodeJS.ProcessEnv) => composeVariables(texts, environment).COMPOSE_FILE;
    expect(filesOf({})).toBe('docker-compose.yml:docker-compose.tls.yml');
    expect(filesOf({ COMPOSE_FILE: 'docker-compose.yml:own.yml' })).toBe(
      'docker-compose.yml:own.yml:docker-compose.tls.yml',
    );
    expect(filesOf({ COMPOSE_FILE: 'docker-compose.yml:docker-compose.tls.yml' })).toBe(filesOf({}));
    expect(composeVariables(texts, {})).toMatchObject({ TLS_KEY_FILE: '/a.key', JWT_ISSUER: 'https://localhost' });
  });

  it.each([
    ['observability,tools', 'docker-compose.yml:docker-compose.logs.yml'],
    ['*', 'docker-compose.yml:docker-compose.logs.yml'],
    ['metrics,tools', undefined],
  ])('profiles %s -> the log lines go where somebody takes them', (profiles, expected) => {
    expect(composeVariables([example, `COMPOSE_PROFILES=${profiles}`], {}).COMPOSE_FILE).toBe(expected);
  });
});

describe('shellExports', () => {
  it('values of any characters -> a shell hands them on as they are', () => {
    const value = ` it's "quoted" $HOME \${HOME} $(id) \`id\` \\n \\' # % пароль\ttab `;
    const script = `${shellExports({ ODD: value, EMPTY: '' })}exec env -0`;
    const { stdout } = spawnSync('sh', ['-c', script], { env: { PATH: process.env.PATH }, encoding: 'utf8' });
    expect(stdout.split('\0')).toEqual(expect.arrayContaining([`ODD=${value}`, 'EMPTY=']));
  });
});
