import { readFileSync } from 'node:fs';

/** What a URL of RabbitMQ may name in its query, as clients of Erlang take it: https://www.rabbitmq.com/docs/uri-query-parameters */
const FILES = { ca: 'cacertfile', cert: 'certfile', key: 'keyfile' } as const;

/** Options of `tls.connect`, in PEM. */
export interface TlsOptions {
  /** Who has to have issued the broker's certificate; absent: any authority that Node.js trusts. */
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/** Reads the files that the URL of a broker names for TLS. The broker's certificate and its name are checked in any case. */
export function tlsOptionsOf(url: string): TlsOptions {
  const { protocol, searchParams } = new URL(url);
  if (protocol !== 'amqps:') return {};
  const named = Object.entries(FILES).map(([option, parameter]) => [option, searchParams.get(parameter)] as const);
  return Object.fromEntries(named.flatMap(([option, file]) => (file ? [[option, readFileSync(file)]] : [])));
}
