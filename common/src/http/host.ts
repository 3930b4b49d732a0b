import type { IncomingMessage } from 'node:http';

/**
 * By which name a request came: `known`; `foreign`, as one that a web page has let point here (DNS rebinding); or
 * `ambiguous`, where two readers could take two names for it.
 */
export type HostVerdict = 'known' | 'foreign' | 'ambiguous';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const HOST = /^(\[[\da-f.:]+\]|[^\s:/?#@[\]]+)(?::\d{0,5})?$/i;

/**
 * Tells by which names a server may be asked: those of the loopback, `names` (without a port), and the very address that the
 * connection came to, which no page of another origin has: so probes and scrapers ask that know pods by address.
 */
export function hostCheck(names: readonly string[]): (request: IncomingMessage) => HostVerdict {
  const known = new Set([...LOOPBACK, ...names.map((name) => name.toLowerCase())]);
  return (request) => {
    const { host } = request.headers;
    if (hasSeveral(request.rawHeaders) || !agrees(request.url ?? '', host)) return 'ambiguous';
    if (host === undefined) return 'known'; // HTTP/1.0, which browsers don't speak
    const name = HOST.exec(host)?.[1]?.toLowerCase();
    if (name === undefined) return 'foreign';
    return known.has(name) || name === ownAddress(request) ? 'known' : 'foreign';
  };
}

/** Node keeps the first Host and says nothing of another one. */
function hasSeveral(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count > 1;
}

/** Whether an address with a host in it (RFC 9112, 3.2.2) says what the header says. */
function agrees(url: string, host: string | undefined): boolean {
  if (url.startsWith('/') || host === undefined || !URL.canParse(url)) return true;
  const inAddress = new URL(url);
  const inHeader = URL.parse(`${inAddress.protocol}//${host}`);
  return inAddress.host === inHeader?.host;
}

/** As it would stand in a Host header. */
function ownAddress({ socket }: IncomingMessage): string {
  const address = (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  return address.includes(':') ? `[${address}]` : address;
}
