import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import express, { type Request, type RequestHandler } from 'express';
import { InvalidInput, PayloadTooLarge, UnsupportedMediaType } from '../errors/index.js';

/** Of all routes that don't say otherwise. */
export const MAX_BODY_BYTES = 100_000;
const JSON_TYPE = /^application\/json\s*(;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/gi;
/** The only encoding that JSON has (RFC 8259, 8.1), as many write its name, and ASCII, which is a part of it. */
const UTF_8 = /^(utf-?8|(us-)?ascii)$/i;

const isChunked = (headers: IncomingHttpHeaders): boolean => headers['transfer-encoding'] !== undefined;
const hasBody = (headers: IncomingHttpHeaders): boolean =>
  isChunked(headers) || Number(headers['content-length'] ?? 0) > 0;

/** Whether a Content-Type is JSON's, in UTF-8. */
export const isJsonType = (type: string): boolean =>
  type === 'application/json' || // as nearly all clients write it
  (JSON_TYPE.test(type) && Array.from(type.matchAll(CHARSET)).every(([, charset = '']) => UTF_8.test(charset)));

/** Whether a body comes as it is. Packed ones are refused: very few bytes can hold very many. */
export const isPlainEncoding = (encoding: string | null | undefined): boolean =>
  (encoding ?? 'identity').toLowerCase() === 'identity';

/** Reads JSON, whether or not it begins with a byte order mark. Throws SyntaxError. */
export const parseJson = (text: string): unknown => JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);

/** Whether a body whose length isn't said beforehand has no bytes. */
async function isEmpty(request: Request): Promise<boolean> {
  const first = new AbortController();
  try {
    await Promise.race(['readable', 'end'].map((event) => once(request, event, { signal: first.signal })));
  } catch (cause) {
    throw new InvalidInput([{ field: 'body', message: 'could not be read' }], { cause });
  } finally {
    first.abort();
  }
  return request.read() === null;
}

/** No body at all may have any type: many clients send a form's with it. */
const requireJson: RequestHandler = async (request, _response, next) => {
  const { headers } = request;
  if (!hasBody(headers)) {
    next();
    return;
  }
  if (!isJsonType(headers['content-type'] ?? '') && !(isChunked(headers) && (await isEmpty(request)))) {
    throw new UnsupportedMediaType('Content-Type must be application/json in UTF-8');
  }
  if (!isPlainEncoding(headers['content-encoding'])) {
    throw new UnsupportedMediaType('Content-Encoding is not supported');
  }
  next();
};

/** Answers before the body has come, which body-parser would read to its end first; what still comes is read and dropped. */
const refuseLarge =
  (maxBytes: number): RequestHandler =>
  ({ headers }, _response, next) => {
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw new PayloadTooLarge();
    next();
  };

/** The bytes of a body as JSON; of none as `{}`. */
const parseBody: RequestHandler = (request, _response, next) => {
  const body: unknown = request.body;
  try {
    request.body = Buffer.isBuffer(body) && body.length > 0 ? parseJson(body.toString()) : {};
  } catch (cause) {
    throw new InvalidInput([{ field: 'body', message: 'must be valid JSON' }], { cause });
  }
  next();
};

interface BodyOptions {
  maxBytes?: number | undefined;
  /** Comes before the first byte is read, once type and length are known to be right. */
  admit: RequestHandler;
}

/** Reads the bytes of a JSON body into `request.body` as they came, for a signature over them. Throws UnsupportedMediaType. */
export const rawJsonBody = ({ maxBytes = MAX_BODY_BYTES, admit }: BodyOptions): RequestHandler[] => [
  requireJson,
  refuseLarge(maxBytes),
  admit,
  express.raw({ limit: maxBytes, inflate: false, type: () => true }),
];

/** Reads a JSON body into `request.body`; no body at all reads as `{}`. Throws UnsupportedMediaType, InvalidInput. */
export const jsonBody = (options: BodyOptions): RequestHandler[] => [...rawJsonBody(options), parseBody];
