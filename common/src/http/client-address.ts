import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import proxyaddr from 'proxy-addr';

/** An IPv4 address in IPv6's clothes, or one with an interface's name, as the plain one. */
const plainAddress = (address: string | undefined): string =>
  (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '').split('%', 1)[0] ?? '';

/**
 * Answers who sent a request: the nearest address that is no trusted proxy's, from the connection and X-Forwarded-For
 * alone. What a proxy says that isn't an address counts for nothing: then it is the proxy's own. undefined where the
 * connection is gone. Throws TypeError where a trusted proxy is no address and no network.
 */
export function clientAddressReader(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => string | undefined {
  const isTrusted = proxyaddr.compile([...trustedProxies]);
  return (request) =>
    proxyaddr
      .all(request, isTrusted)
      .map(plainAddress)
      .findLast((address) => isIP(address) !== 0);
}

/** What counts as one client: an IPv4 address, or the /56 of an IPv6 address, of which its holder has all. */
export const addressBlock = (address: string | undefined): string =>
  address === undefined ? 'unknown' : ipKeyGenerator(address);
