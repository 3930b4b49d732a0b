import type { Response } from 'express';
import type { PageMeta } from './pagination.js';

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
export const gone = (message: string): Reply => ({ status: 200, message, data: null });
export const page = (message: string, data: readonly unknown[], meta: PageMeta): Reply => ({
  status: 200,
  message,
  data,
  meta,
});

export function sendReply(response: Response, { status, message, data, meta }: Reply): void {
  response.status(status).json({ success: true, message, data, ...(meta && { meta }) });
}
