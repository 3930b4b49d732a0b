// What the broker holds belongs to another time than the databases of a backup: the outboxes bring back what is missing.
import { StackError } from '../errors.ts';
import type { Settings } from '../settings.ts';

const timeout = 10_000;

interface Queue {
  name: string;
  vhost: string;
  type?: string;
  messages?: number;
}

/** Removes the messages of all queues, and answers how many there were. Streams stay: what was revoked stays revoked. */
export async function emptyQueues({ ports, rabbitmq }: Settings): Promise<number> {
  const { user, password } = rabbitmq;
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const ask = async (path: string, method: 'GET' | 'DELETE'): Promise<Response> => {
    const url = `http://127.0.0.1:${ports.RABBITMQ_MANAGEMENT_PORT}/api/${path}`;
    const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(timeout) });
    if (!response.ok) throw new StackError(`RabbitMQ refuses ${method} ${path}: ${response.status}`);
    return response;
  };
  const all = (await (await ask('queues?columns=name,vhost,type,messages', 'GET')).json()) as Queue[]; // its own API
  const queues = all.filter(({ type }) => type !== 'stream');
  for (const { vhost, name } of queues)
    await ask(`queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}/contents`, 'DELETE');
  return queues.reduce((sum, { messages = 0 }) => sum + messages, 0);
}
