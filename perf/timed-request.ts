// One request, and how long it took.
import { request, type Agent } from 'node:http';

const requestTimeoutMs = 30_000;

export interface TimedAnswer {
  milliseconds: number;
  status: number;
  cache: string;
}

/** Resolves once the whole answer has come. Rejects where none comes within half a minute. */
export const timeRequest = (url: string, agent: Agent, headers: Record<string, string> = {}): Promise<TimedAnswer> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const outgoing = request(url, { agent, headers, timeout: requestTimeoutMs }, (response) => {
      response.resume();
      response.on('end', () =>
        resolve({
          milliseconds: performance.now() - startedAt,
          status: response.statusCode ?? 0,
          cache: String(response.headers['x-cache-status']),
        }),
      );
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url}: no answer in time`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
