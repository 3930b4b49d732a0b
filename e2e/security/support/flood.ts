// Sends bodies at a steady rate from a thread of its own, so that the one that measures isn't held up by it.
import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

export interface Flood {
  url: string;
  perSecond: number;
  headers: Record<string, string>;
  /** JSON, sent in turn; of each the first `@` is replaced by a number, so that none is the same as another. */
  bodies: readonly string[];
}

const { url, perSecond, headers, bodies } = workerData as Flood;
const agent = new Agent({ keepAlive: true, maxSockets: 100 });
const statuses: Record<string, number> = {};
let count = 0;

const send = (): void => {
  const body = (bodies[count % bodies.length] ?? '').replace('@', `${Date.now()}${count++}`);
  const note = (status: number | string) => (statuses[status] = (statuses[status] ?? 0) + 1);
  const length = Buffer.byteLength(body);
  const outgoing = request(
    url,
    { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': length, ...headers } },
    (response) => {
      response.resume().on('end', () => note(response.statusCode ?? 0));
    },
  );
  outgoing.on('error', () => note('error'));
  outgoing.end(body);
};

const timer = setInterval(send, 1_000 / perSecond);
parentPort?.once('message', () => {
  clearInterval(timer);
  agent.destroy();
  parentPort?.postMessage(statuses);
});
