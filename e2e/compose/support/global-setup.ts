import { readFileSync } from 'node:fs';
import path from 'node:path';
import { randomInt } from 'node:crypto';
import { fillSecrets } from '../../../stack/environment-file.ts';
import { Output } from '../../../stack/output.ts';
import { repository } from '../../../stack/paths.ts';
import { reservePorts, type ReservedPorts } from '../../../stack/ports.ts';
import { parseSettings } from '../../../stack/settings.ts';
import { run, stack } from './docker.ts';
import globalTeardown from './global-teardown.ts';

declare global {
  var composePorts: ReservedPorts | undefined;
}

/** What stack/docker.sh ends with where there is no Docker. */
const unavailable = 69;

/** Builds the images and starts a system of its own: other names, other ports, another network, nobody's .env. */
export default async function globalSetup(): Promise<void> {
  const output = new Output();
  delete process.env.COMPOSE_PROJECT_NAME; // somebody's own system: what it names from here on is the one under test
  const { exitCode, stdout, stderr } = await run('sh', 'stack/docker.sh', 'doctor');
  if (exitCode === unavailable) {
    output.progress(`skipped, nothing is tested: ${stderr.trim()}`);
    return;
  }
  if (exitCode !== 0) throw new Error(`STACK=docker make doctor ended with ${exitCode}\n${stdout}\n${stderr}`);
  const example = fillSecrets(readFileSync(path.join(repository, '.env.example'), 'utf8'));
  const portNames = [...example.matchAll(/^([A-Z_]+_PORT)=/gm)].map(([, name = '']) => name);
  const reserved = await reservePorts(portNames.length);
  globalThis.composePorts = reserved;
  const ports = Object.fromEntries(portNames.map((name, i) => [name, String(reserved.ports[i])]));
  const { variables } = parseSettings([example], {
    ...ports,
    CONTAINER_NETWORK: `10.${randomInt(100, 250)}.${randomInt(250)}`,
    COMPOSE_PROFILES: process.env.COMPOSE_PROFILES ?? 'metrics,tools',
    LOG_LEVEL: 'warn',
  });
  // The environment wins over any .env, and reaches the tests.
  Object.assign(process.env, variables, { COMPOSE_PROJECT_NAME: `shop-test-${process.pid}` });
  const entry = `http://127.0.0.1:${ports.NGINX_PORT}`;
  process.env.E2E_URLS = JSON.stringify({
    gateway: entry,
    userService: entry,
    orderService: entry,
    paymentService: entry,
  });
  process.env.E2E_ENVIRONMENT = JSON.stringify(variables);
  try {
    await output.during('docker compose build', () => stack('build'));
    await output.during('docker compose up', () => stack('up', '-d'));
  } catch (error) {
    output.progress(await stack('logs'));
    await globalTeardown(); // Jest leaves it out when the set-up fails
    throw error;
  }
}
