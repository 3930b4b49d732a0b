// Whether every part of the running system is well, as its users would find it: a page is asked for as a page.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { certificateFaults, day, type CertificateFiles } from './certificate.ts';
import { databases, services } from './services.ts';
import { isListening } from './ports.ts';
import type { Task } from './program.ts';
import { basicAuthorization } from './programs/rabbitmq.ts';
import { secureGet } from './secure-get.ts';
import { portOf, reachableHost, type Settings } from './settings.ts';

export interface Check {
  name: string;
  /** DEGRADED: it works, but something is missing. */
  state: 'healthy' | 'DEGRADED' | 'DOWN';
  detail: string;
}

export type HealthScope = 'up' | 'infra';

const requestTimeoutMs = 5_000;
/** How long a start waits for what comes by itself, such as the first message of a stream. */
const settlingTimeoutMs = 30_000;
const pollMs = 200;
/** How long before its end a certificate should have been renewed. */
const renewalMs = 14 * 24 * 3_600_000;

/** Asks the servers (`infra`), or everything (`up`). */
export function checkHealth(settings: Settings, scope: HealthScope): Promise<Check[]> {
  return Promise.all([...serverChecks(settings), ...(scope === 'up' ? systemChecks(settings) : [])]);
}

/** Waits until all is well, so that a start has ended only then. Says what still is not when the time is over. */
export function healthTask(
  settings: Settings,
  scope: HealthScope,
  options: { needs: string[]; report: (line: string) => void; timeoutMs?: number },
): Task {
  const { needs, report, timeoutMs = settlingTimeoutMs } = options;
  return {
    kind: 'task',
    name: 'health',
    needs,
    async run(signal) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const unwell = (await checkHealth(settings, scope)).filter(({ state }) => state !== 'healthy');
        if (unwell.length === 0) return;
        if (Date.now() > deadline) {
          for (const { name, state, detail } of unwell) report(`${name} is ${state}, see \`make health\`: ${detail}`);
          return;
        }
        await delay(pollMs, undefined, { signal });
      }
    },
  };
}

function serverChecks({ ports, rabbitmq }: Settings): Promise<Check>[] {
  const broker = `127.0.0.1:${ports.RABBITMQ_MANAGEMENT_PORT}`;
  return [
    ...databases.map(({ name, portVariable }) => portCheck(`postgres-${name}`, portOf(ports, portVariable))),
    brokerCheck(ports.RABBITMQ_PORT, broker, basicAuthorization(rabbitmq)),
    pageCheck('adminer', `127.0.0.1:${ports.ADMINER_PORT}`, '/'),
    pageCheck('rabbitmq-page', broker, '/'),
  ];
}

function systemChecks(settings: Settings): Promise<Check>[] {
  const { ports, variables, certificate } = settings;
  const host = reachableHost(settings.host);
  const plainEntry = `${host}:${ports.NGINX_PORT}`;
  const entry = certificate ? `https://${host}:${ports.NGINX_TLS_PORT}` : plainEntry;
  const graphiqlIsOn = variables.GRAPHIQL_ENABLED
    ? variables.GRAPHIQL_ENABLED === 'true'
    : variables.NODE_ENV !== 'production';
  return [
    ...services.map(({ name, portVariable }) => serviceCheck(name, `${host}:${portOf(ports, portVariable)}`)),
    httpCheck('nginx', plainEntry, '/health'), // it passes on the gateway's
    ...(certificate ? [certificateCheck(certificate, entry)] : []),
    ...(graphiqlIsOn ? [pageCheck('graphiql', entry, '/', certificate)] : []),
    pageCheck('prometheus', `127.0.0.1:${ports.PROMETHEUS_PORT}`, '/'),
    portCheck('nginx-log', ports.NGINX_LOG_METRICS_PORT),
  ];
}

async function portCheck(name: string, port: number): Promise<Check> {
  return { name, state: (await isListening(port, requestTimeoutMs)) ? 'healthy' : 'DOWN', detail: `port ${port}` };
}

/** RabbitMQ takes connections during an alarm (memory, disk), but nobody can publish. */
async function brokerCheck(port: number, management: string, authorization: string): Promise<Check> {
  const listening = await portCheck('rabbitmq', port);
  if (listening.state !== 'healthy') return listening;
  const alarms = await httpCheck('rabbitmq', management, '/api/health/checks/alarms', { authorization });
  if (alarms.state === 'healthy') return listening;
  return { ...alarms, state: 'DEGRADED', detail: `port ${port}, nobody can publish: ${alarms.detail}` };
}

/** A service that does its work but lacks something says so in its readiness, and what. */
async function serviceCheck(name: string, address: string): Promise<Check> {
  const check = await httpCheck(name, address, '/ready');
  const isWhole = check.state === 'healthy' && statusOf(check.text) === 'ok';
  return check.state === 'DOWN' || isWhole ? check : { ...check, state: 'DEGRADED' };
}

/** Whatever answers there without a status is none of our services. */
function statusOf(readiness: string): unknown {
  try {
    return (JSON.parse(readiness) as { status?: unknown }).status;
  } catch {
    return undefined;
  }
}

async function pageCheck(name: string, address: string, path: string, certificate?: CertificateFiles): Promise<Check> {
  const { text, ...check } = await httpCheck(name, address, path, { accept: 'text/html' }, certificate);
  const isPage = /<html|<!doctype html/i.test(text);
  const status = check.detail.split(' ').slice(0, 3).join(' '); // without the page itself
  if (check.state !== 'healthy') return { ...check, detail: text ? status : check.detail };
  return isPage ? { ...check, detail: status } : { ...check, state: 'DOWN', detail: `${status}, but no page` };
}

/** What is asked: by http where the address is a host and a port alone. */
interface Question {
  headers: Record<string, string>;
  certificate: CertificateFiles | undefined;
}

async function ask(address: string, path: string, { headers, certificate }: Question) {
  if (certificate && address.startsWith('https:')) {
    return secureGet(address + path, certificate, { headers, timeoutMs: requestTimeoutMs });
  }
  const response = await fetch(`http://${address}${path}`, { headers, signal: AbortSignal.timeout(requestTimeoutMs) });
  return { status: response.status, text: await response.text() };
}

async function httpCheck(
  name: string,
  address: string,
  path: string,
  headers: Record<string, string> = {},
  certificate?: CertificateFiles,
): Promise<Check & { text: string }> {
  const port = address.slice(address.lastIndexOf(':') + 1);
  try {
    const answer = await ask(address, path, { headers, certificate });
    const text = answer.text.trim();
    const detail = `port ${port}: ${answer.status} ${text.slice(0, 200)}`;
    return { name, state: answer.status >= 200 && answer.status < 300 ? 'healthy' : 'DOWN', detail, text };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    const reason = timedOut ? `no answer within ${requestTimeoutMs / 1_000} s` : 'not reachable';
    return { name, state: 'DOWN', detail: `port ${port}: ${reason}`, text: '' };
  }
}

/** Whether nginx shows the certificate that is in its file now, and for how long that is still good. */
async function certificateCheck(files: CertificateFiles, entry: string): Promise<Check> {
  const name = 'certificate';
  const [fault] = certificateFaults(files);
  if (fault !== undefined) return { name, state: 'DOWN', detail: fault };
  const { state, detail } = await httpCheck(name, entry, '/health', {}, files);
  const port = detail.split(':')[0] ?? '';
  if (state !== 'healthy') {
    const hint = 'or shows another one than TLS_CERT_FILE: `make nginx-restart` after each renewal';
    return { name, state, detail: `${detail}, ${hint}` };
  }
  const { validToDate } = new X509Certificate(readFileSync(files.certificate));
  const lastsLong = validToDate.getTime() - Date.now() > renewalMs;
  return { name, state: lastsLong ? 'healthy' : 'DEGRADED', detail: `${port}: valid until ${day(validToDate)}` };
}
