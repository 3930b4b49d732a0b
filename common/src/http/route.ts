import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';
import type { Actor } from '../auth/index.js';
import { InvalidInput, type FieldFault, type Precondition } from '../errors/index.js';
import type { Answer, LeasedKey } from '../idempotency/index.js';
import type { Admit } from './bulkhead.js';
import { preconditionOf } from './conditions.js';
import type { Deprecation } from './deprecation.js';
import { canonicalJson, fingerprintOf, idempotencyKey, type WithIdempotency } from './idempotency.js';
import { routeOf } from './observe-request.js';
import type { Operation } from './operation.js';
import { replyAnswer, type JsonFile, type Reply } from './reply.js';
import { queryOf, type BodyValidator, type Validator } from './validation/index.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export const takesBody = (method: Method): boolean => method === 'POST' || method === 'PUT' || method === 'PATCH';

/** Whether a method changes what is there already, so that it may demand which version that is. */
export const isChange = (method: Method): boolean => method === 'PUT' || method === 'PATCH' || method === 'DELETE';

/** Who may call a route at all: anybody (an Authorization header is ignored), every known caller, or admins only. */
export type Access = 'public' | 'authenticated' | 'admin';

/** The caller of a route that isn't public, and the access token it presented. */
export interface Caller {
  readonly actor: Actor;
  readonly token: string;
}

/** What a route is given beside the request. */
export interface Circumstances {
  readonly caller: Caller | undefined;
  readonly once: WithIdempotency | undefined;
  readonly admit: Admit;
  /** Whether nobody waits for the answer any more. */
  readonly isGone: () => boolean;
}

/** One line of a service's table of contents. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly access: Access;
  readonly operation: Operation;
  /** What its parts may contain. */
  readonly takes: Readonly<Pick<Parts<unknown, unknown, unknown>, 'params' | 'query' | 'body'>>;
  /** Leaves the body as the bytes that came, up to so many; else it is read as JSON. */
  readonly rawBody?: { readonly maxBytes: number };
  /** Of a body that is read as JSON, where it may be larger than others. */
  readonly maxBodyBytes?: number | undefined;
  /** Whether it supports the header Idempotency-Key. */
  readonly isIdempotent?: boolean;
  readonly deprecation?: Deprecation | undefined;
  /** As how many requests one of it counts, whatever it asks for; absent: as one. */
  readonly cost?: number;
  /** Its answer is a file to be saved. */
  readonly answersFile?: true;
  readonly respond: (request: Request, by: Circumstances) => Promise<Answer | JsonFile | undefined>;
}

interface Parts<P, Q, B> {
  method: Method;
  path: string;
  operation: Operation;
  params?: Validator<P>;
  query?: Validator<Q>;
  body?: BodyValidator<B>;
  /** The route will go: docs/versioning.md. */
  deprecation?: Deprecation;
}

/** What a handler of a public route is given. */
export interface PublicInput<P = unknown, Q = unknown, B = unknown> {
  params: P;
  query: Q;
  body: B;
}

/** What a handler of any other route is given. */
export interface Input<P = unknown, Q = unknown, B = unknown> extends PublicInput<P, Q, B>, Caller {
  /** The request's idempotency key, if the route supports one and the request has one. */
  leasedKey: LeasedKey | undefined;
  /** Of a PUT, PATCH or DELETE: what it demands of the version that it changes (If-Match), to be asked with what is read. */
  precondition: Precondition | undefined;
  /** To be waited for before an answer is made that may be large. */
  admit: Admit;
}

/** A route that takes no parameters refuses them like any other unknown one. */
const noQuery = queryOf({});

/** All parts of a request, or InvalidInput with the faults of all of them. Nobody waits where no body is read. */
function parse<P, Q, B>(
  { params, query, body }: Pick<Parts<P, Q, B>, 'params' | 'query' | 'body'>,
  request: Request,
): PublicInput<P, Q, B> | Promise<PublicInput<P, Q, B>> {
  const faults: FieldFault[] = [];
  const noteFaults = (error: unknown): void => {
    if (!(error instanceof InvalidInput)) throw error;
    faults.push(...error.fields);
  };
  const read = (validator: Validator<unknown>): unknown => {
    try {
      return validator(request);
    } catch (error) {
      noteFaults(error);
      return undefined;
    }
  };
  const input = { params: params && read(params), query: read(query ?? noQuery), body: undefined };
  const complete = (read: unknown): PublicInput<P, Q, B> => {
    if (faults.length > 0) throw new InvalidInput(faults);
    // Each part came out of the validator of its own type; without a validator its type is unknown.
    return { ...input, body: read } as PublicInput<P, Q, B>;
  };
  return body ? body(request).catch(noteFaults).then(complete) : complete(undefined);
}

/** A route that anybody may call. */
export function publicRoute<P, Q, B>({
  handle,
  params,
  query,
  body,
  ...rest
}: Parts<P, Q, B> & { handle: (input: PublicInput<P, Q, B>) => Promise<Reply> }): Route {
  const takes = { params, query, body };
  return {
    ...rest,
    access: 'public',
    takes,
    respond: async (request) => replyAnswer(await handle(await parse(takes, request))),
  };
}

/**
 * A route for known callers; `access: 'admin'` for admins only. `idempotent: true` for one that creates or charges: a
 * request with an Idempotency-Key is carried out once. Its handler must see to it that the answer is written with what
 * it changes (`leaseOf`): between the two the process may end.
 */
export function route<P, Q, B>({
  handle,
  params,
  query,
  body,
  idempotent: isIdempotent = false,
  ...rest
}: Parts<P, Q, B> & {
  access: Exclude<Access, 'public'>;
  idempotent?: boolean;
  maxBodyBytes?: number;
  handle: (input: Input<P, Q, B>) => Promise<Reply>;
}): Route {
  const { method, path } = rest;
  const takes = { params, query, body };
  return {
    ...rest,
    takes,
    isIdempotent,
    respond: async (request, { caller, once, admit }) => {
      if (caller === undefined) throw new Error(`no caller on ${method} ${path}, which isn't public`);
      const key = isIdempotent ? idempotencyKey(request.headers) : undefined;
      const written = key === undefined ? '' : canonicalJson(request.body);
      const parsing = parse(takes, request);
      const parsed = parsing instanceof Promise ? await parsing : parsing;
      const precondition = isChange(method) ? preconditionOf(request.headers) : undefined;
      const input = { ...parsed, ...caller, admit, precondition };
      if (key === undefined) return replyAnswer(await handle({ ...input, leasedKey: undefined }));
      if (once === undefined) throw new Error(`no idempotency store for ${method} ${path}`);
      const fingerprint = fingerprintOf({ method, route: routeOf(request), params: input.params, body: written });
      return once({ userId: caller.actor.id, key, fingerprint }, (leasedKey) => handle({ ...input, leasedKey }));
    },
  };
}

/** What a handler of a route that answers a file is given. */
export interface FileInput<P = unknown> extends Caller {
  params: P;
  /** Whether nobody waits for the file any more. */
  isGone: () => boolean;
}

/** A route that answers a file in JSON, and counts as `cost` requests. Its handler may answer nothing once nobody waits. */
export function fileRoute<P>({
  params,
  handle,
  ...rest
}: {
  path: string;
  access: Exclude<Access, 'public'>;
  operation: Operation;
  params: Validator<P>;
  cost: number;
  handle: (input: FileInput<P>) => Promise<JsonFile | undefined>;
}): Route {
  return {
    ...rest,
    method: 'GET',
    takes: { params },
    answersFile: true,
    respond: async (request, { caller, isGone }) => {
      if (caller === undefined) throw new Error(`no caller on GET ${rest.path}, which isn't public`);
      const input = await parse({ params }, request);
      return handle({ ...caller, params: input.params, isGone });
    },
  };
}

/** What a handler of a webhook is given: the body as it came, since the signature is over these very bytes. */
export interface WebhookInput<P = unknown> {
  params: P;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A route that another system calls. Anybody can: it is the handler's to check the signature. `maxBytes` of the body. */
export function webhookRoute<P>(parts: {
  path: string;
  operation: Operation;
  params: Validator<P>;
  maxBytes: number;
  handle: (input: WebhookInput<P>) => Promise<Reply>;
}): Route {
  const { path, operation, params, maxBytes, handle } = parts;
  return {
    method: 'POST',
    path,
    access: 'public',
    operation,
    takes: { params },
    rawBody: { maxBytes },
    respond: async (request) => {
      const input = await parse({ params }, request);
      const body: unknown = request.body;
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
      return replyAnswer(await handle({ ...input, headers: request.headers, body: bytes }));
    },
  };
}
