import type { ServerResponse } from 'node:http';
import { JsonText } from '../contracts/index.js';
import type { Answer, AnswerHeaders } from '../idempotency/index.js';
import { currentScope } from '../logger/index.js';
import type { PageMeta } from '../paging/index.js';
import { addHeader } from './answer-headers.js';
import { entityTag } from './conditions.js';

/** What a handler answers. */
export interface Reply {
  readonly status: number;
  readonly message: string;
  readonly data: unknown;
  readonly meta?: PageMeta;
  readonly headers?: AnswerHeaders;
}

/** Where what was created is found, and its version if it has one. */
export interface Creation {
  readonly location: string;
  readonly version?: number;
}

const tagged = (version: number | string | undefined): { headers?: AnswerHeaders } =>
  version === undefined ? {} : { headers: { ETag: entityTag(version) } };

/** `version` of what is shown, where that is a single resource: clients ask with it whether anything has changed. */
export const ok = (message: string, data: unknown, version?: number | string): Reply => ({
  status: 200,
  message,
  data,
  ...tagged(version),
});
export const created = (message: string, data: unknown, { location, version }: Creation): Reply => ({
  status: 201,
  message,
  data,
  headers: { Location: location, ...tagged(version).headers },
});
/** Taken on; the outcome isn't known yet. */
export const accepted = (message: string, data: unknown, version?: number): Reply => ({
  status: 202,
  message,
  data,
  ...tagged(version),
});
/** Deleted or ended: nothing is left to show. */
export const deleted = (message: string): Reply => ({ status: 200, message, data: null });
export const page = (message: string, data: readonly unknown[] | JsonText, meta: PageMeta): Reply => ({
  status: 200,
  message,
  data,
  meta,
});

export const replyAnswer = ({ status, message, data, meta, headers }: Reply): Answer => ({
  status,
  body: { success: true, message, data, ...(meta && { meta }) },
  headers,
});

/** A file to be saved, in JSON. */
export interface JsonFile {
  readonly fileName: string;
  readonly chunks: readonly Buffer[];
  /** Called once nobody needs the chunks any more. */
  readonly release: () => void;
}

/** Nothing of it is for a cache. */
export function sendFile(response: ServerResponse, { fileName, chunks, release }: JsonFile): void {
  if (response.closed) {
    release();
    return;
  }
  response.once('close', release);
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Disposition', `attachment; filename="${fileName}"`);
  response.setHeader(
    'Content-Length',
    chunks.reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
  response.statusCode = 200;
  for (const chunk of chunks) response.write(chunk);
  response.end();
}

/** Nothing of it is for a cache. Failures name the request, so that what is logged about it can be found. */
export function sendAnswer(response: ServerResponse, { status, body, headers, isReplayed = false }: Answer): void {
  setHeaders(response, headers);
  if (isReplayed) addHeader(response, 'Idempotent-Replayed', 'true');
  addHeader(response, 'Cache-Control', 'no-store');
  sendJson(response, status, body.success === false ? { ...body, requestId: currentScope()?.requestId } : body);
}

/** The client has it already. The headers are those that the answer itself would have, but for what describes a body. */
export function sendNotModified(response: ServerResponse, { headers }: Answer): void {
  setHeaders(response, headers);
  addHeader(response, 'Cache-Control', 'no-store');
  response.statusCode = 304;
  response.end();
}

function setHeaders(response: ServerResponse, { ETag, Location }: AnswerHeaders = {}): void {
  if (ETag !== undefined) addHeader(response, 'ETag', ETag);
  if (Location !== undefined) addHeader(response, 'Location', Location);
}

/** As Express's `response.json`, at a fraction of its cost: it reads and writes the Content-Type several times. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = textOf(body);
  addHeader(response, 'Content-Type', 'application/json; charset=utf-8');
  addHeader(response, 'Content-Length', String(Buffer.byteLength(text)));
  response.statusCode = status;
  response.end(text);
}

/** As JSON.stringify, with what is JSON already as it is. */
function textOf(body: object): string {
  if (!('data' in body) || !(body.data instanceof JsonText)) return JSON.stringify(body);
  const fields = Object.entries(body).map(([name, value]: [string, unknown]) => {
    return `"${name}":${value instanceof JsonText ? value.text : JSON.stringify(value)}`;
  });
  return `{${fields.join(',')}}`;
}
