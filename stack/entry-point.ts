// Where clients reach the system: nginx's address, and what it is when its ports are only for root.
import { readFileSync } from 'node:fs';
import { urlHost } from '../common/src/config/connection-url.ts';

/** Where nginx listens when these are only for root. */
const openEntryPorts = { NGINX_PORT: 8000, NGINX_TLS_PORT: 8443 };
type EntryPort = keyof typeof openEntryPorts;

/** Of the settings, what this file has to know. */
interface Entry {
  host: string;
  ports: Record<EntryPort, number>;
  certificate: object | undefined;
}
type EntrySettings = Entry & { variables: Record<string, string> };

/** Of nginx, the entry point. */
export function entryUrl({ host, ports, certificate }: Entry): string {
  if (!certificate) return plainEntryUrl({ host, ports });
  return `https://${shownHost({ host })}${ports.NGINX_TLS_PORT === 443 ? '' : `:${ports.NGINX_TLS_PORT}`}`;
}

function plainEntryUrl({ host, ports }: Pick<Entry, 'host' | 'ports'>): string {
  return `http://${shownHost({ host })}${ports.NGINX_PORT === 80 ? '' : `:${ports.NGINX_PORT}`}`;
}

/** The name that a browser on this machine takes. */
export function shownHost({ host }: Pick<Entry, 'host'>): string {
  return ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host) ? 'localhost' : urlHost(host);
}

/** The settings with entry ports that everybody may open, where one of them is below the first such port. */
export function withOpenEntryPort<S extends EntrySettings>(settings: S, firstOpen: number): S {
  const opened: Partial<Record<EntryPort, number>> = {};
  for (const [name, port] of Object.entries(openEntryPorts) as [EntryPort, number][]) {
    if (settings.ports[name] < firstOpen) opened[name] = port;
  }
  const moved = { ...settings, ports: { ...settings.ports, ...opened } };
  if (settings.variables.JWT_ISSUER !== entryUrl(settings)) return moved;
  return { ...moved, variables: { ...settings.variables, JWT_ISSUER: entryUrl(moved) } };
}

/** What to tell the user when nginx does not listen where NGINX_PORT, or with TLS NGINX_TLS_PORT, says. */
export function entryPortNote(settings: EntrySettings): string | undefined {
  const { ports, variables, certificate } = settings;
  const used: EntryPort[] = certificate ? ['NGINX_TLS_PORT', 'NGINX_PORT'] : ['NGINX_PORT'];
  const [moved] = used.filter((name) => ports[name] !== Number(variables[name]));
  if (moved === undefined) return undefined;
  const address = moved === 'NGINX_PORT' ? plainEntryUrl(settings) : entryUrl(settings);
  return (
    `port ${variables[moved]} is only for root: nginx answers at ${address} instead; ` +
    `start this as root, or set ${moved} in .env to a port above 1023`
  );
}

/** See ip_unprivileged_port_start in ip(7); containers often set it to 0. */
export function firstOpenPort(): number {
  return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
}
