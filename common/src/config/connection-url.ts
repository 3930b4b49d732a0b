// Imports nothing, so that the stack's runner can use it before anything is built.

/** Where a server is, and as whom to connect to it. */
export interface ConnectionParts {
  /** A name or an address; an address of IPv6 without brackets. */
  host: string;
  port: number;
  user: string;
  password: string;
  /** Of the server: a database or a virtual host. */
  name?: string;
}

/** A URL made of its parts. User, password and name are encoded, so they may contain any characters. */
export function connectionUrl(scheme: string, { host, port, user, password, name }: ConnectionParts): string {
  const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const path = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${scheme}://${credentials}@${urlHost(host)}:${port}${path}`;
}

/** A host as URLs have it: addresses of IPv6 in brackets (RFC 3986, section 3.2.2). */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
