import type { ServerResponse } from 'node:http';
import type { Answer } from '../idempotency/index.js';
import { currentScope } from '../logger/index.js';
import type { PageMeta } from '../paging/index.js';

/** What a handler answers. */
export interface Reply {
  readonly status: number;
  readonly message: string;
  readonly data: unknown;
  readonly meta?: PageMeta;
}

export const ok = (message: string, data: unknown): Reply => ({ status: 200, message, data });
export const created = (message: string, data: unknown): Reply => ({ status: 201, message, data });
/** Taken on; the outcome isn't known yet. */
export const accepted = (message: string, data: unknown): Reply => ({ status: 202, message, data });
/** Deleted or ended: nothing is left to show. */
export const deleted = (message: string): Reply => ({ status: 200, message, data: null });
export const page = (message: string, data: readonly unknown[], meta: PageMeta): Reply => ({
  status: 200,
  message,
  data,
  meta,
});

export const replyAnswer = ({ status, message, data, meta }: Reply): Answer => ({
  status,
  body: { success: true, message, data, ...(meta && { meta }) },
});

/** Nothing of it is for a cache. Failures name the request, so that what is logged about it can be found. */
export function sendAnswer(response: ServerResponse, { status, body, isReplayed = false }: Answer): void {
  if (isReplayed) response.setHeader('Idempotent-Replayed', 'true');
  response.setHeader('Cache-Control', 'no-store');
  sendJson(response, status, body.success === false ? { ...body, requestId: currentScope()?.requestId } : body);
}

/** As Express's `response.json`, at a fraction of its cost: it reads and writes the Content-Type several times. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.statusCode = status;
  response.end(text);
}
