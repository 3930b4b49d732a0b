import { mkdtempSync, readFileSync, readdirSync, rmSync, chmodSync, statSync } from 'node:fs';
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { CertificateFiles } from '../../stack/certificate.ts';
import { baseEnvironment } from '../../stack/environment.ts';
import { logFile } from '../../stack/log-files.ts';
import { ensureInstalled } from '../../stack/packages.ts';
import { reservePorts } from '../../stack/ports.ts';
import { nginx } from '../../stack/programs/nginx.ts';
import { SupervisedProcess } from '../../stack/supervised-process.ts';
import { startScriptedUpstream, type ScriptedUpstream } from './scripted-upstream.ts';
import { serviceWorkspaces } from '../../stack/workspaces.ts';

/** Of services that no test asks. */
const NOBODY_LISTENS = '127.0.0.1:1';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Each header line as it came, to see what is there twice. */
  rawHeaders: string[];
  text: string;
  body: Buffer;
}

export interface Question {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** An address of this machine's, such as 127.0.0.2: each is another client. */
  from?: string;
  agent?: Agent;
}

/** A real nginx with our configuration, between a test and scripted upstreams. */
export interface Edge {
  port: number;
  /** Of https, where there is a certificate. */
  tlsPort: number;
  statusPort: number;
  directory: string;
  process: SupervisedProcess;
  gateway: ScriptedUpstream;
  users: ScriptedUpstream;
  orders: ScriptedUpstream;
  payments: ScriptedUpstream;
  /** Sends the path as it is; fetch would tidy it up. */
  ask(path: string, question?: Question): Promise<Answer>;
  /** Everything that the cache has on disk. */
  cacheContent(): string;
  /** How many that are, with what is still being written. */
  cacheBytes(): number;
  accessLog(): Record<string, unknown>[];
  log(): string;
  stop(): Promise<void>;
}

export interface EdgeSettings {
  rateLimit?: number;
  connectionLimit?: number;
  nodeEnvironment?: string;
  allowedHosts?: string;
  corsOrigins?: string;
  certificate?: CertificateFiles | undefined;
}

export async function startEdge({
  rateLimit = 1_000_000,
  connectionLimit = 10_000,
  nodeEnvironment = 'development',
  allowedHosts = '',
  corsOrigins = '',
  certificate,
}: EdgeSettings = {}): Promise<Edge> {
  const directory = mkdtempSync(path.join(tmpdir(), 'shop-nginx-test-'));
  chmodSync(directory, 0o755); // nginx's workers run as another user
  await ensureInstalled(['nginx'], directory);
  const [gateway, users, orders, payments] = await Promise.all(
    ['gateway', 'users', 'orders', 'payments'].map(() => startScriptedUpstream()),
  );
  if (!gateway || !users || !orders || !payments) throw new Error('four were started');
  const reserved = await reservePorts(3);
  const [port = 0, statusPort = 0, tlsPort = 0] = reserved.ports;
  const program = nginx({
    directory: path.join(directory, 'nginx'),
    host: '127.0.0.1',
    ports: { entry: port, status: statusPort },
    tls: certificate && { ...certificate, port: tlsPort },
    rateLimit,
    connectionLimit,
    nodeEnvironment,
    allowedHosts,
    corsOrigins,
    upstreams: {
      ...Object.fromEntries(serviceWorkspaces.map(({ name }) => [name, NOBODY_LISTENS])),
      gateway: gateway.address,
      'user-service': users.address,
      'order-service': orders.address,
      'payment-service': payments.address,
    },
    needs: [],
    environment: baseEnvironment(),
  });
  const supervised = new SupervisedProcess({
    program,
    directory,
    onStart: () => undefined,
    onCrash: () => undefined,
  });
  await supervised.start();
  const log = () => readFileSync(logFile(directory, 'nginx'), 'utf8');

  return {
    port,
    tlsPort,
    statusPort,
    directory,
    process: supervised,
    gateway,
    users,
    orders,
    payments,
    ask: (target, question) => ask(port, target, question),
    cacheContent: () => filesBelow(directory).map(contentOf).join('\n'),
    cacheBytes: () => sum(filesBelow(directory).map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)),
    log,
    accessLog: () =>
      log()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    stop: async () => {
      await supervised.stop();
      await Promise.all([gateway, users, orders, payments].map((upstream) => upstream.stop()));
      await reserved.release();
      rmSync(directory, { recursive: true });
    },
  };
}

const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);

/** Of the cache; nginx may remove them meanwhile. */
const filesBelow = (directory: string): string[] =>
  ['nginx/cache', 'nginx/assets'].flatMap((folder) =>
    readdirSync(path.join(directory, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name)),
  );

/** Of a file of the cache: nothing once nginx has removed it. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    // An error of Node.js is none of the Error that Jest's tests have.
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

export function ask(
  port: number,
  target: string,
  { method = 'GET', headers = {}, body, from, agent }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: target, method, headers, localAddress: from, agent };
    const sent = request(options, (response) => {
      buffer(response).then((content) => {
        const { statusCode = 0, headers: received, rawHeaders } = response;
        resolve({ status: statusCode, headers: received, rawHeaders, text: content.toString(), body: content });
      }, reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
