import type { IncomingHttpHeaders } from 'node:http';
import express, { type RequestHandler } from 'express';
import { UnsupportedMediaType } from '../errors/index.js';

const MAX_BODY_BYTES = 100_000;
const JSON_TYPE = /^application\/json\s*(;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Whether a Content-Type is JSON's, in the only encoding that JSON has (RFC 8259, 8.1). */
export const isJsonType = (type: string): boolean =>
  JSON_TYPE.test(type) && (CHARSET.exec(type)?.[1] ?? 'utf-8').toLowerCase() === 'utf-8';

/** Whether a body comes as it is. Packed ones are refused: very few bytes can hold very many. */
export const isPlainEncoding = (encoding: string | null | undefined): boolean =>
  (encoding ?? 'identity').toLowerCase() === 'identity';

const requireJson: RequestHandler = ({ headers }, _response, next) => {
  const type = headers['content-type'];
  if (type === undefined ? hasBody(headers) : !isJsonType(type)) {
    throw new UnsupportedMediaType('Content-Type must be application/json in UTF-8');
  }
  if (!isPlainEncoding(headers['content-encoding'])) {
    throw new UnsupportedMediaType('Content-Encoding is not supported');
  }
  next();
};

/** Reads a JSON body into `request.body`; no body at all reads as `{}`. Throws UnsupportedMediaType. */
export function jsonBody(): RequestHandler[] {
  const emptyAsObject: RequestHandler = (request, _response, next) => {
    if (request.body === undefined) request.body = {};
    next();
  };
  return [
    requireJson,
    express.json({ limit: MAX_BODY_BYTES, strict: false, inflate: false, type: () => true }),
    emptyAsObject,
  ];
}

/** Reads the bytes of a JSON body into `request.body` as they came, for a signature over them. Throws UnsupportedMediaType. */
export const rawJsonBody = ({ maxBytes }: { maxBytes: number }): RequestHandler[] => [
  requireJson,
  express.raw({ limit: maxBytes, inflate: false, type: () => true }),
];
