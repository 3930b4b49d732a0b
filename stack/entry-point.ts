// Where clients reach the system: nginx's address, and what it is when its ports are only for root.
import { readFileSync } from 'node:fs';
import { urlHost } from '../common/src/config/connection-url.ts';
import type { Settings } from './settings.ts';

type Entry = Pick<Settings, 'host' | 'ports' | 'certificate'>;

/** Of nginx, the entry point. */
export function entryUrl({ host, ports, certificate }: Entry): string {
  if (!certificate) return plainEntryUrl({ host, ports });
  return `https://${shownHost({ host })}${ports.NGINX_TLS_PORT === 443 ? '' : `:${ports.NGINX_TLS_PORT}`}`;
}

function plainEntryUrl({ host, ports }: Pick<Settings, 'host' | 'ports'>): string {
  return `http://${shownHost({ host })}${ports.NGINX_PORT === 80 ? '' : `:${ports.NGINX_PORT}`}`;
}

/** The name that a browser on this machine takes. */
export function shownHost({ host }: Pick<Settings, 'host'>): string {
  return ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host) ? 'localhost' : urlHost(host);
}

/** Where nginx listens when these are only for root. */
const openEntryPorts = { NGINX_PORT: 8000, NGINX_TLS_PORT: 8443 };
type EntryPort = keyof typeof openEntryPorts;

/** The settings with entry ports that everybody may open, where one of them is below the first such port. */
export function withOpenEntryPort(settings: Settings, firstOpen: number): Settings {
  const ports = { ...settings.ports };
  for (const [name, port] of Object.entries(openEntryPorts) as [EntryPort, number][]) {
    if (ports[name] < firstOpen) ports[name] = port;
  }
  const moved = { ...settings, ports };
  if (settings.variables.JWT_ISSUER !== entryUrl(settings)) return moved;
  return { ...moved, variables: { ...settings.variables, JWT_ISSUER: entryUrl(moved) } };
}

/** What to tell the user when nginx does not listen where NGINX_PORT, or with TLS NGINX_TLS_PORT, says. */
export function entryPortNote(settings: Settings): string | undefined {
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
