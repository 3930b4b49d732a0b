// nginx from the system's package, with its configuration filled in and all of its files in a folder of the stack's.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { urlHost } from '../../common/src/config/connection-url.ts';
import type { CertificateFiles } from '../certificate.ts';
import { makePassable } from '../data-folder.ts';
import { StackError } from '../errors.ts';
import { findExecutable } from '../packages.ts';
import { repository } from '../paths.ts';
import type { Program } from '../program.ts';
import { accountName, serverAccount } from '../system-account.ts';
import { writeWholeFile } from '../whole-file.ts';
import { enableBrotli } from './nginx-brotli.ts';
import { variablePrefix } from '../workspaces.ts';

export interface TlsOptions extends CertificateFiles {
  port: number;
}

export interface NginxOptions {
  /** Holds the configuration, the cache and temporary files. */
  directory: string;
  host: string;
  ports: { entry: number; status: number };
  /** Serves https, too, and sends there who comes by http. */
  tls?: TlsOptions | undefined;
  /** Requests a minute for each client. */
  rateLimit: number;
  /** Connections that each client may have requests on at a time. */
  connectionLimit: number;
  /** Names that it may be asked by, beside those of this machine, separated by commas. */
  allowedHosts: string;
  /** Which web pages may call from a browser: those of CORS_ORIGINS, and unless this is production all of this machine. */
  nodeEnvironment: string;
  corsOrigins: string;
  /** Host and port of each service and of the gateway, by their names. */
  upstreams: Readonly<Record<string, string>>;
  needs: string[];
  environment: Record<string, string>;
}

export const nginxTemplate = path.join(repository, 'nginx/nginx.conf.template');
const tlsTemplate = path.join(repository, 'nginx/tls.conf.template');

/** Where a stack keeps what belongs to nginx. */
export const nginxDirectory = (stackDirectory: string): string => path.join(stackDirectory, 'nginx');

export function nginx(options: NginxOptions): Program {
  const { directory, ports, tls, environment } = options;
  const listening = (port: number, variable: string) =>
    entryHosts(options.host).map((host) => ({ port, variable, host }));
  const configuration = path.join(directory, 'nginx.conf');
  const executable = () => findExecutable('nginx') ?? 'nginx';
  let forBrotli = '';
  return {
    kind: 'program',
    name: 'nginx',
    needs: options.needs,
    ports: [
      ...listening(ports.entry, 'NGINX_PORT'),
      ...(tls ? listening(tls.port, 'NGINX_TLS_PORT') : []),
      { port: ports.status, variable: 'NGINX_STATUS_PORT' },
    ],
    stopSignal: 'SIGQUIT', // requests under way come to their end
    stopTimeoutMs: 15_000, // 10 s of those: worker_shutdown_timeout
    async prepare() {
      makePassable(directory);
      const account = serverAccount('nginx', path.dirname(directory));
      if (account) removeFilesOfOthers(account.uid, directory);
      writeWholeFile(configuration, fillTemplate(readFileSync(nginxTemplate, 'utf8'), variables(options)));
      writeTlsConfiguration(options);
      forBrotli = enableBrotli({ nginx: executable(), directory, environment });
    },
    command: () => ({
      argv: [
        executable(),
        ...['-e', 'stderr', '-p', directory, '-c', configuration],
        ...['-g', `daemon off; ${workerUser()} ${forBrotli}`],
      ],
      environment,
      directory,
      // Its master gives its workers another user and what they write, binds port 80, and opens logs of whoever started it before.
      capabilities: ['chown', 'dac_override', 'kill', 'net_bind_service', 'setgid', 'setuid'],
    }),
    isReady: () => isReady(ports.status),
    onDisk: (isFull) => markDisk(directory, isFull),
  };
}

function variables(options: NginxOptions): Record<string, string> {
  const { directory, host, ports, upstreams } = options;
  return {
    NGINX_DIRECTORY: directory,
    NGINX_LISTEN: listenDirective(host, ports.entry),
    NGINX_STATUS_LISTEN: `127.0.0.1:${ports.status}`,
    NGINX_RATE_LIMIT: String(options.rateLimit),
    NGINX_CONNECTION_LIMIT: String(options.connectionLimit),
    NODE_ENV: options.nodeEnvironment,
    ALLOWED_HOSTS: safeHosts(options.allowedHosts),
    CORS_ORIGINS: safeList('CORS_ORIGINS', options.corsOrigins, 'origins such as https://shop.example.com'),
    ...Object.fromEntries(Object.entries(upstreams).map(([name, at]) => [`${variablePrefix(name)}_ADDRESS`, at])),
  };
}

/** The file that the main server includes; removed where there is no certificate any more. */
function writeTlsConfiguration({ directory, host, tls }: NginxOptions): void {
  const folder = path.join(directory, 'tls');
  if (!tls) {
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  mkdirSync(folder, { recursive: true });
  const values = {
    NGINX_TLS_LISTEN: listenDirective(host, tls.port, 'ssl http2 '),
    NGINX_TLS_PORT: String(tls.port),
    TLS_CERT_FILE: tls.certificate,
    TLS_KEY_FILE: tls.key,
  };
  writeWholeFile(path.join(folder, 'tls.conf'), fillTemplate(readFileSync(tlsTemplate, 'utf8'), values));
}

/** ALLOWED_HOSTS as nginx takes it. Throws a StackError. */
export const safeHosts = (text: string): string => safeList('ALLOWED_HOSTS', text, 'hosts such as shop.example.com');

/** The services say what may stand in a list; here it must not end what it is quoted in. Throws a StackError. */
function safeList(name: string, text: string, what: string): string {
  const values = text.replaceAll(/\s/g, '');
  if (/^[\w.,:/[\]-]*$/.test(values)) return values;
  throw new StackError(`${name} must be ${what}, separated by commas`);
}

/** As the template names them. */
const cacheFolders = ['cache', 'assets'];
const loopbacks = ['127.0.0.1', '::1'];

/** Where the entry point listens. Clients take `localhost` for either loopback, so both answer where this machine has them. */
function entryHosts(host: string): string[] {
  if (!loopbacks.includes(host)) return [host];
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address));
  return loopbacks.filter((loopback) => loopback === host || addresses.includes(loopback));
}

/**
 * What stands between `listen` and `default_server;`, or what the template has before that, such as `ssl`: it is there once, so
 * the last address is cut open, and all but that are given it here.
 */
function listenDirective(host: string, port: number, options = ''): string {
  const listen = entryHosts(host).map((entry) => `${urlHost(entry)}:${port}${entry === '::' ? ' ipv6only=off' : ''}`);
  return listen.join(` ${options}default_server; listen `);
}

/** Replaces each ${NAME} outside of comments, as envsubst would; nginx's own variables have no braces. */
export function fillTemplate(template: string, values: Record<string, string>): string {
  return template.replace(/\$\{([A-Z_]+)\}/g, (placeholder, name: string) => {
    if (name === 'NAME') return placeholder;
    const value = values[name];
    if (value === undefined) throw new Error(`nginx's configuration asks for ${name}, which nobody sets`);
    return value;
  });
}

/** Started as root, for port 80, nginx gives its workers, which read what clients send, another user. */
const workerUser = (): string => (process.getuid?.() === 0 ? `user ${accountName('nginx')};` : '');

/** What workers of another user have kept, such as those of an earlier version, ours can't read. */
export function removeFilesOfOthers(uid: number, directory: string): void {
  for (const kept of [...cacheFolders, 'proxy', 'client-body'].map((name) => path.join(directory, name))) {
    const folders = existsSync(kept) ? readdirSync(kept).map((name) => path.join(kept, name)) : [];
    for (const folder of folders) if (statSync(folder).uid !== uid) rmSync(folder, { recursive: true });
  }
}

/** While this file is there nginx keeps no answers: one that it can't keep would not reach the client either. */
function markDisk(directory: string, isFull: boolean): void {
  const mark = path.join(directory, 'disk-is-full');
  if (isFull) {
    makePassable(directory);
    closeSync(openSync(mark, 'w'));
  } else {
    rmSync(mark, { force: true });
  }
}

/** The answers that a stack's nginx keeps, each a file; what it is still writing has a longer name. */
export function cachedFiles(stackDirectory: string): string[] {
  const folders = cacheFolders.map((name) => path.join(nginxDirectory(stackDirectory), name));
  return folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /^[0-9a-f]{32}$/.test(path.basename(file)))
      .map((file) => path.join(folder, file)),
  );
}

/** Removes what is kept, and tells how much that was. nginx asks again for what it finds gone, so it may run meanwhile. */
export function clearNginxCache(stackDirectory: string): number {
  const files = cachedFiles(stackDirectory);
  for (const file of files) rmSync(file, { force: true });
  return files.length;
}

/** What nginx describes itself: ngx_http_stub_status_module. */
export interface NginxStatus {
  /** Connections that are open now, and how many of them wait for a request. */
  active: number;
  waiting: number;
  /** Since nginx was started. */
  accepted: number;
  requests: number;
}

/** Asks a running nginx for its metrics. Rejects where none answers. */
export async function readNginxStatus(port: number): Promise<NginxStatus> {
  const response = await fetch(`http://127.0.0.1:${port}/nginx_status`, { signal: AbortSignal.timeout(2_000) });
  const text = await response.text();
  const status = parseNginxStatus(text);
  if (!status) throw new Error(`this is not nginx: ${text.slice(0, 100)}`);
  return status;
}

/** Undefined for a text that has nothing of it. */
export function parseNginxStatus(text: string): NginxStatus | undefined {
  const metrics = /Active connections: (\d+).*?(\d+) \d+ (\d+).*?Waiting: (\d+)/s.exec(text)?.slice(1).map(Number);
  const [active, accepted, requests, waiting] = metrics ?? [];
  if (active === undefined || accepted === undefined || requests === undefined || waiting === undefined)
    return undefined;
  return { active, waiting, accepted, requests };
}

async function isReady(port: number): Promise<boolean> {
  try {
    await readNginxStatus(port);
    return true;
  } catch {
    return false; // not there yet; the supervisor's deadline ends this
  }
}
