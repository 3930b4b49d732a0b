import type { IncomingHttpHeaders } from 'node:http';
import express, { type RequestHandler } from 'express';
import { UnsupportedMediaType } from '../errors/index.js';

const MAX_BODY_BYTES = 100_000;
const JSON_TYPE = /^application\/json\s*(;|$)/i;

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const requireJson: RequestHandler = ({ headers }, _response, next) => {
  const type = headers['content-type'];
  if (type === undefined ? hasBody(headers) : !JSON_TYPE.test(type)) throw new UnsupportedMediaType();
  next();
};

/** Reads a JSON body into `request.body`; no body at all reads as `{}`. Throws UnsupportedMediaType. */
export function jsonBody(): RequestHandler[] {
  const emptyAsObject: RequestHandler = (request, _response, next) => {
    if (request.body === undefined) request.body = {};
    next();
  };
  return [requireJson, express.json({ limit: MAX_BODY_BYTES, strict: false, type: () => true }), emptyAsObject];
}

/** Reads the bytes of a JSON body into `request.body` as they came, for a signature over them. Throws UnsupportedMediaType. */
export const rawJsonBody = ({ maxBytes }: { maxBytes: number }): RequestHandler[] => [
  requireJson,
  express.raw({ limit: maxBytes, type: () => true }),
];
