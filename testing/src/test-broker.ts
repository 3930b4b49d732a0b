import { randomBytes } from 'node:crypto';

export interface TestBroker {
  /** amqp://user:password@host:port/vhost */
  url: string;
  /** Without credentials; those of `url` are valid there too. */
  managementUrl: string;
  vhost: string;
  /**
   * Asks the management API, e.g. `request('GET', '/queues/{vhost}/some-queue')`; `{vhost}` stands for this broker's.
   * Answers the parsed body, undefined where there is none. Throws where the status is no success.
   */
  request(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Ends every connection to the vhost, as an operator can; answers how many there were. */
  closeConnections(): Promise<number>;
  /** Removes the vhost, whoever is still connected. */
  stop(): Promise<void>;
}

const REQUEST_TIMEOUT = 10_000;

/** The server at TEST_RABBITMQ_URL, managed through TEST_RABBITMQ_MANAGEMENT_URL. */
function sharedServer(): { url: string; managementUrl: string } {
  const { TEST_RABBITMQ_URL: url, TEST_RABBITMQ_MANAGEMENT_URL: managementUrl } = process.env;
  if (!url || !managementUrl) throw new Error('TEST_RABBITMQ_URL and TEST_RABBITMQ_MANAGEMENT_URL are not set');
  return { url, managementUrl };
}

/** A fresh vhost on a RabbitMQ server, that of all tests unless another is given. */
export async function createTestBroker(server = sharedServer()): Promise<TestBroker> {
  const vhost = `test-${randomBytes(6).toString('hex')}`;
  const url = new URL(server.url);
  url.pathname = `/${vhost}`;
  const managementUrl = new URL(server.managementUrl).origin;
  const user = decodeURIComponent(url.username);
  const authorization = `Basic ${btoa(`${user}:${decodeURIComponent(url.password)}`)}`;

  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${managementUrl}/api${path.replace('{vhost}', vhost)}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  await request('PUT', `/vhosts/${vhost}`);
  await request('PUT', `/permissions/${vhost}/${encodeURIComponent(user)}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  });
  return {
    url: url.href,
    managementUrl,
    vhost,
    request,
    closeConnections: async () => {
      const connections = await request('GET', '/vhosts/{vhost}/connections');
      const names = Array.isArray(connections) ? connections.map(({ name }: { name: string }) => name) : [];
      await Promise.all(names.map((name) => request('DELETE', `/connections/${encodeURIComponent(name)}`)));
      return names.length;
    },
    stop: async () => {
      await request('DELETE', `/vhosts/${vhost}`);
    },
  };
}
