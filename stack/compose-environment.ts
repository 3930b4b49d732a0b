// The settings for docker-compose.yml, as commands of a shell: Compose would read .env by rules of its own, and fill in what
// follows a $. With --complete it makes .env complete first.   eval "$(node stack/compose-environment.ts [--complete])"
import { existsSync } from 'node:fs';
import path from 'node:path';
import { urlHost } from '../common/src/config/connection-url.ts';
import { isSecretGiven } from '../common/src/config/secret-file.ts';
import { checkCertificate, readingFaults } from './certificate.ts';
import { completeEnvironmentFile, readText } from './environment-file.ts';
import { StackError } from './errors.ts';
import { repository } from './paths.ts';
import { runMain } from './run-main.ts';
import { parseSettings, withoutShellsOwn } from './settings.ts';

/** Ports of containers alone. */
const containerPorts = ['GRAFANA_PORT', 'JAEGER_PORT'];
const exampleNetwork = '10.87.0';
const jaeger = 'http://jaeger:';

type Variables = Record<string, string>;

/** The variables that docker-compose.yml asks for. Throws a StackError with one line for each fault. */
export function composeVariables(texts: string[], environment: NodeJS.ProcessEnv): Variables {
  const { variables, host, certificate } = parseSettings(texts, environment, { keepSecretFiles: true });
  const offset = Number(variables.PORT_OFFSET);
  const moved = containerPorts.map((name) => [name, String(Number(variables[name]) + offset)] as const);
  const all = {
    ...variables,
    ...Object.fromEntries(moved),
    HOST: urlHost(host),
    PORT_OFFSET: '0',
    CONTAINER_OTLP_ENDPOINT: collectorOf(variables),
    ...composeFiles(environment.COMPOSE_FILE || variables.COMPOSE_FILE, [
      ...(certificate ? [tlsFile] : []),
      ...(isObserved(variables) ? [logsFile] : []),
    ]),
  };
  if (offset === 0) return all;
  // Another copy runs beside the one on the usual ports: it has containers, volumes and addresses of its own.
  const network = variables.CONTAINER_NETWORK === exampleNetwork ? `10.87.${1 + (offset % 255)}` : undefined;
  return {
    ...all,
    CONTAINER_NETWORK: network ?? variables.CONTAINER_NETWORK ?? '',
    COMPOSE_PROJECT_NAME: environment.COMPOSE_PROJECT_NAME || variables.COMPOSE_PROJECT_NAME || `shop-${offset}`,
  };
}

const tlsFile = 'docker-compose.tls.yml';
const logsFile = 'docker-compose.logs.yml';

/** COMPOSE_FILE with the files that the settings ask for; whoever names files of their own may have named them already. */
function composeFiles(given: string | undefined, asked: readonly string[]): { COMPOSE_FILE?: string } {
  if (asked.length === 0) return {};
  const files = given ? given.split(':') : ['docker-compose.yml'];
  return { COMPOSE_FILE: [...new Set([...files, ...asked])].join(':') };
}

/** The user that nginx's container runs as. */
const nginxUser = 101;

/** Throws a StackError with what keeps nginx's container from serving the certificate. */
function checkContainerCertificate({ TLS_CERT_FILE: certificate = '', TLS_KEY_FILE: key = '' }: Variables): void {
  if (certificate === '') return;
  checkCertificate({ certificate, key });
  const faults = readingFaults({ certificate, key }, nginxUser);
  if (faults.length > 0) throw new StackError(faults.join('\n'));
}

/** Where the profiles leave Jaeger out, no traces are made for it: each process would log that nobody takes them. */
function collectorOf(variables: Variables): string {
  const { CONTAINER_OTLP_ENDPOINT: endpoint = '' } = variables;
  return endpoint.startsWith(jaeger) && !isObserved(variables) ? '' : endpoint;
}

const isObserved = ({ COMPOSE_PROFILES: profiles = '' }: Variables): boolean =>
  profiles.split(',').some((profile) => ['observability', '*'].includes(profile.trim()));

/** Commands that set variables for the programs that a shell starts, whatever their values. */
export function shellExports(variables: Variables): string {
  const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('');
}

if (import.meta.main) {
  await runMain((output) => {
    const isStart = process.argv.includes('--complete');
    const isSettledElsewhere = isSecretGiven('JWT_PRIVATE_KEY', process.env); // the environment wins over .env
    if (isStart && !isSettledElsewhere) completeEnvironmentFile(repository).forEach((line) => output.progress(line));
    const files = ['.env.example', '.env'].map((name) => path.join(repository, name));
    const texts = files.filter((file) => existsSync(file)).map(readText);
    const variables = composeVariables(texts, withoutShellsOwn(process.env));
    if (isStart) checkContainerCertificate(variables);
    process.stdout.write(shellExports(variables));
    return 0;
  });
}
