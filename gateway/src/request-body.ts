import { MAX_ORDER_BYTES } from '@shop/common/contracts';
import { isJsonType, isPlainEncoding, MAX_BODY_BYTES, parseJson } from '@shop/common/http';
import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { ServerContext } from './subscriptions/use-subscriptions.js';

const unsupported = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'UNSUPPORTED_MEDIA_TYPE', http: { status: 415 } } });

const tooLarge = () =>
  new GraphQLError('Request body is too large', { extensions: { code: 'PAYLOAD_TOO_LARGE', http: { status: 413 } } });

const malformed = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });

/** Yoga parses the variables and extensions of a GET, and takes what is no JSON for a fault of its own. */
export const useReadableParameters = (): Plugin => ({
  onRequestParse({ request, requestParser, setRequestParser }) {
    if (request.method !== 'GET' || requestParser === undefined) return;
    setRequestParser(async (given) => {
      try {
        return await requestParser(given);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw malformed('variables and extensions must be valid JSON');
      }
    });
  },
});

/**
 * Reads the body of a POST, as the services read theirs. JSON only: browsers send every other type without asking (CORS).
 * Only one that places an order may be as long as that takes, and only of a caller who can place one.
 */
export const useJsonBody = (): Plugin<ServerContext, ServerContext> => ({
  onRequestParse({ request: { method, headers }, serverContext, setRequestParser }) {
    if (method !== 'POST') return;
    if (!isJsonType(headers.get('content-type') ?? '')) {
      throw unsupported('Content-Type must be application/json in UTF-8');
    }
    if (!isPlainEncoding(headers.get('content-encoding'))) throw unsupported('Content-Encoding is not supported');
    const maxBytes = serverContext.caller?.actor === undefined ? MAX_BODY_BYTES : MAX_ORDER_BYTES;
    if (Number(headers.get('content-length')) > maxBytes) throw tooLarge();
    setRequestParser(async (request) => {
      const text = await readText(request, maxBytes);
      const params = parseParams(text);
      const isLarge = text.length > MAX_BODY_BYTES || Buffer.byteLength(text) > MAX_BODY_BYTES;
      if (isLarge && !placesOrder(params)) throw tooLarge();
      return params;
    });
  },
});

/** A body that comes with its length is read at once: Node lets no longer one in. */
async function readText(request: Request, maxBytes: number): Promise<string> {
  const { body, headers } = request;
  return headers.get('content-length') !== null || body === null ? request.text() : readLimited(body, maxBytes);
}

/** Reads without closing the stream when it is too long: that would cut the connection before the answer. */
async function readLimited(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<string> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks).toString();
    size += value.byteLength;
    if (size > maxBytes) throw tooLarge();
    chunks.push(value);
  }
}

/** Yoga checks what is in them. */
const areParams = (value: unknown): value is GraphQLParams => typeof value === 'object' && value !== null;

function parseParams(text: string): GraphQLParams {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw malformed('POST body must be valid JSON');
  }
  if (!areParams(value)) throw malformed('POST body must be a JSON object');
  if (value.operationName !== '') return value;
  const { operationName: _unnamed, ...named } = value; // clients in Go send what is left out as ''
  return named;
}

/** By its name alone: the document isn't parsed yet, and will be with limits of its own. */
const placesOrder = ({ query }: GraphQLParams): boolean => typeof query === 'string' && query.includes('createOrder');
