import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import type { OpenApiDocument } from '@shop/common/http';
import { readDescription } from './read-description.js';

/** Node reports here each request that a server of this process gets. */
const requests = channel('http.server.request.start');
const exchange = z.object({
  request: z.custom<IncomingMessage>(),
  response: z.custom<ServerResponse>(),
});

const reference = z.object({ $ref: z.string() });
const described = z.object({
  description: z.string(),
  headers: z.record(z.string(), reference).default({}),
  content: z.record(z.string(), z.object({ example: z.looseObject({}).optional() })).default({}),
});

interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly header: (name: string) => unknown;
  readonly body: string;
}

/** Holds what a server of this process answers against what its /openapi.json says of it. */
export class DescribedAnswers {
  readonly #violations = new Set<string>();
  readonly #ports = new Map<number, (answer: Answer) => string | undefined>();

  /** Looks at every answer of the server from now on. */
  async watch(url: string): Promise<void> {
    this.#ports.set(Number(new URL(url).port), answerCheck(await readDescription(url)));
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
    const check = this.#ports.get(request.socket.localPort ?? 0);
    if (check === undefined) return;
    const body = collectBody(response);
    response.once('finish', () => {
      const { method = '', url = '' } = request;
      const header = (name: string) => response.getHeader(name);
      // What is refused before the app sees it has no id: it is no answer of an operation.
      if (header('X-Request-Id') === undefined) return;
      const path = (url.split('?', 1)[0] ?? '').replace(/(?<=.)\/$/, '');
      const violation = check({ method, path, status: response.statusCode, header, body: body() });
      if (violation !== undefined) this.#violations.add(violation);
    });
  };
}

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

/** So that a field that nobody has described shows: clients must expect further ones. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]));
  return 'properties' in parts ? { additionalProperties: false, ...parts } : parts;
}

const pointer = (...steps: readonly string[]): string =>
  `#/${steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

/** Says what is wrong with an answer, if anything. Paths and methods that have no operation are 404 and 405. */
function answerCheck(document: OpenApiDocument): (answer: Answer) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(closed({ paths: document.paths, components: document.components }) as object, 'openapi');
  const compiled = new Map<string, ValidateFunction>();
  const validatorAt = (at: string): ValidateFunction => {
    const found = compiled.get(at) ?? ajv.compile({ $ref: `openapi${at}` });
    compiled.set(at, found);
    return found;
  };
  const component = (section: string, $ref: string): unknown =>
    document.components[section]?.[$ref.split('/').at(-1) ?? ''];
  const templates = Object.keys(document.paths)
    .map((template) => ({ template, pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }))
    // As routers do: what is written out comes before what stands for anything.
    .toSorted((a, b) => Number(a.template.includes('{')) - Number(b.template.includes('{')));

  return ({ method, path, status, header, body }) => {
    const template = templates.find(({ pattern }) => pattern.test(path))?.template;
    const name = method === 'HEAD' ? 'get' : method.toLowerCase();
    const operation = document.paths[template ?? '']?.[name] as { responses: Record<string, unknown> } | undefined;
    if (template === undefined || operation === undefined) return undefined;
    const subject = `${method} ${template} -> ${status}`;

    const response = operation.responses[status];
    if (response === undefined) return `${subject}: no such status is described`;
    const { $ref } = reference.partial().parse(response);
    const at = $ref ?? pointer('paths', template, name, 'responses', String(status));
    const { headers, content } = described.parse($ref === undefined ? response : component('responses', $ref));

    const missing = Object.entries(headers).find(
      ([headerName, to]) =>
        z.object({ required: z.boolean() }).parse(component('headers', to.$ref)).required &&
        header(headerName) === undefined,
    );
    if (missing !== undefined) return `${subject}: without ${missing[0]}`;
    if (method === 'HEAD' || Object.keys(content).length === 0) return undefined;

    const type = String(header('Content-Type')).split(';', 1)[0] ?? '';
    const media = content[type];
    if (media === undefined) return `${subject}: ${type} is not described`;
    if (type !== 'application/json') return undefined;
    const value: unknown = JSON.parse(body);
    const validate = validatorAt(`${at}/content/application~1json/schema`);
    if (!validate(value)) return `${subject}: ${ajv.errorsText(validate.errors, { dataVar: 'body' })}`;
    return messageFault(subject, status, media.example, value);
  };
}

/** The message of a success is the one in its example. */
function messageFault(
  subject: string,
  status: number,
  example: Readonly<Record<string, unknown>> | undefined,
  body: unknown,
): string | undefined {
  if (status >= 300 || example === undefined) return undefined;
  const { message } = z.object({ message: z.string() }).parse(body);
  return message === example['message']
    ? undefined
    : `${subject}: says "${message}", not "${String(example['message'])}"`;
}
