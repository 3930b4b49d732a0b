// What of the REST API has changed so that a client of the released one would break. No library of npm does this for OpenAPI 3.1
// and is still worked on; the rules are those of oasdiff, as far as docs/versioning.md promises them.
import { z } from 'zod';
import { readerChanges, writerChanges, type BreakingChange, type JsonSchema } from './schema-changes.ts';

const schema = z.custom<JsonSchema>((value) => typeof value === 'object' && value !== null).default({});
const content = z.record(z.string(), z.object({ schema })).default({});
const operationSchema = z.object({
  operationId: z.string(),
  security: z.array(z.unknown()).default([]),
  parameters: z
    .array(z.object({ name: z.string(), in: z.string(), required: z.boolean().default(false), schema }))
    .default([]),
  requestBody: z.object({ required: z.boolean().default(false), content }).optional(),
  responses: z.record(
    z.string(),
    z.object({
      headers: z.record(z.string(), z.object({ required: z.boolean().default(false) })).default({}),
      content,
    }),
  ),
  'x-sunset': z.string().optional(),
});
type Operation = z.infer<typeof operationSchema>;
const documentSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), operationSchema)) });

/** What a reference such as #/components/schemas/Order leads to. */
const target = (document: unknown, ref: string): unknown =>
  ref
    .split('/')
    .slice(1)
    .reduce<unknown>((part, step) => Object.entries(part ?? {}).find(([name]) => name === step)?.[1], document);

/** A document, or a part of it, with what its references lead to in their place. A shape within itself is looked at once. */
function dereferenced(document: unknown, part: unknown, within: readonly string[] = []): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((each) => dereferenced(document, each, within));
  if ('$ref' in part && typeof part.$ref === 'string') {
    const { $ref } = part;
    return within.includes($ref) ? {} : dereferenced(document, target(document, $ref), [...within, $ref]);
  }
  return Object.fromEntries(
    Object.entries(part).map(([name, each]) => [
      name,
      name === 'example' ? each : dereferenced(document, each, within),
    ]),
  );
}

/** The operations of a document by method and path. */
function operationsOf(document: object): Map<string, Operation> {
  const { paths } = documentSchema.parse({ paths: dereferenced(document, 'paths' in document ? document.paths : {}) });
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    ),
  );
}

function* parameterChanges({ parameters: before }: Operation, { parameters: after }: Operation): Generator<string> {
  const isIn = (parameters: Operation['parameters'], { name, in: place }: Operation['parameters'][number]) =>
    parameters.find((parameter) => parameter.name === name && parameter.in === place);
  for (const parameter of before) {
    const title = `${parameter.in} parameter ${parameter.name}`;
    const next = isIn(after, parameter);
    if (next === undefined) yield `${title} is taken no more`;
    else {
      if (next.required && !parameter.required) yield `${title} is required`;
      yield* writerChanges(title, parameter.schema, next.schema);
    }
  }
  for (const parameter of after) {
    if (parameter.required && !isIn(before, parameter)) yield `${parameter.in} parameter ${parameter.name} is required`;
  }
}

function* requestChanges({ requestBody: before }: Operation, { requestBody: after }: Operation): Generator<string> {
  if (after?.required && !before?.required) yield 'a request body is required';
  for (const [type, media] of Object.entries(before?.content ?? {})) {
    const next = after?.content[type];
    if (next === undefined) yield `a request body of ${type} is taken no more`;
    else yield* writerChanges('request', media.schema, next.schema);
  }
}

/** Of statuses that go, successes count: an error that comes no more is in nobody's way. */
function* responseChanges({ responses: before }: Operation, { responses: after }: Operation): Generator<string> {
  for (const [status, response] of Object.entries(before)) {
    const next = after[status];
    if (next === undefined) {
      if (status.startsWith('2')) yield `${status} is answered no more`;
      continue;
    }
    for (const [name, { required }] of Object.entries(response.headers)) {
      const header = next.headers[name];
      if (header === undefined) yield `${status} has no header ${name} any more`;
      else if (required && !header.required) yield `${status} may be without the header ${name}`;
    }
    for (const [type, media] of Object.entries(response.content)) {
      const nextMedia = next.content[type];
      if (nextMedia === undefined) yield `${status} is not answered as ${type} any more`;
      else yield* readerChanges(status, media.schema, nextMedia.schema);
    }
  }
}

function* operationChanges(before: Operation, after: Operation): Generator<string> {
  if (after.operationId !== before.operationId) {
    yield `generated clients call it ${after.operationId}, not ${before.operationId}`;
  }
  if (before.security.length === 0 && after.security.length > 0) yield 'a token is required';
  yield* parameterChanges(before, after);
  yield* requestChanges(before, after);
  yield* responseChanges(before, after);
}

/** Whom a change breaks, where it is one of what many share. */
function clientsOf([first = '', second, ...others]: readonly string[]): string {
  const operations = second === undefined ? first : `${first}, ${second}`;
  return `REST clients that use ${operations}${others.length > 0 ? ` and ${others.length} others` : ''}`;
}

/** `today` as 2026-01-31: what the released description says to have gone by then may be missing. */
export function openApiChanges(released: object, current: object, today: string): BreakingChange[] {
  const now = operationsOf(current);
  const changes = new Map<string, string[]>();
  for (const [title, before] of operationsOf(released)) {
    const after = now.get(title);
    const sunset = before['x-sunset'];
    if (after === undefined && sunset !== undefined && sunset <= today) continue;
    for (const what of after === undefined ? ['it is there no more'] : operationChanges(before, after)) {
      changes.set(what, [...(changes.get(what) ?? []), title]);
    }
  }
  return [...changes].map(([what, operations]) => ({ whom: clientsOf(operations), what }));
}
