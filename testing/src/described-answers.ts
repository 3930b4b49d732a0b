import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { answerChecks, type AnswerCheck } from './answer-check.js';
import { readDescription } from './read-description.js';

/** Node reports here each request that a server of this process gets. */
const requests = channel('http.server.request.start');
const exchange = z.object({
  request: z.custom<IncomingMessage>(),
  response: z.custom<ServerResponse>(),
});

/** Holds what a server of this process answers against what its /openapi.json says of it. */
export class DescribedAnswers {
  readonly #violations = new Set<string>();
  readonly #ports = new Map<number, (method: string, path: string) => AnswerCheck | undefined>();

  /** Looks at every answer of the server from now on. */
  async watch(url: string): Promise<void> {
    this.#ports.set(Number(new URL(url).port), answerChecks(await readDescription(url)));
    requests.subscribe(this.#onRequest);
  }

  /** Throws where any answer was not as it is described. */
  stop(): void {
    requests.unsubscribe(this.#onRequest);
    if (this.#violations.size > 0) {
      throw new Error(`answers that /openapi.json does not describe:\n${[...this.#violations].join('\n')}`);
    }
  }

  readonly #onRequest = (message: unknown): void => {
    const { request, response } = exchange.parse(message);
    // Now: routers write the rest of the path that is theirs into it.
    const { method = '', url = '' } = request;
    const check = this.#ports.get(request.socket.localPort ?? 0)?.(method, pathOf(url));
    if (check === undefined) return;
    const body = collectBody(response);
    response.once('finish', () => {
      const header = (name: string) => response.getHeader(name);
      // What is refused before the app sees it has no id: it is no answer of an operation.
      if (header('X-Request-Id') === undefined) return;
      const violation = check({ status: response.statusCode, header, body: body() });
      if (violation !== undefined) this.#violations.add(violation);
    });
  };
}

/** As Express has it, which cuts off fragments, too. */
const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? '';

/** What is written into a response, once all of it is. */
function collectBody(response: ServerResponse): () => string {
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  for (const name of ['write', 'end'] as const) {
    const original = response[name].bind(response) as (...parts: unknown[]) => never;
    response[name] = (...parts: unknown[]): never => {
      keep(parts[0]);
      return original(...parts);
    };
  }
  return () => Buffer.concat(chunks).toString();
}
