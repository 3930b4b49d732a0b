import { isJsonType, isPlainEncoding } from '@shop/common/http';
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

const MAX_BODY_BYTES = 100_000;

const unsupported = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'UNSUPPORTED_MEDIA_TYPE', http: { status: 415 } } });

/** Browsers send every other type without asking (CORS), and Yoga would take some of them. */
export const useJsonOnly = (): Plugin => ({
  onRequestParse({ request }) {
    if (request.method !== 'POST') return;
    const { headers } = request;
    if (!isJsonType(headers.get('content-type') ?? ''))
      throw unsupported('Content-Type must be application/json in UTF-8');
    if (!isPlainEncoding(headers.get('content-encoding'))) throw unsupported('Content-Encoding is not supported');
  },
});

/** Yoga parses the variables and extensions of a GET, and takes what is no JSON for a fault of its own. */
export const useReadableParameters = (): Plugin => ({
  onRequestParse({ request, requestParser, setRequestParser }) {
    if (request.method !== 'GET' || requestParser === undefined) return;
    setRequestParser(async (given) => {
      try {
        return await requestParser(given);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new GraphQLError('variables and extensions must be valid JSON', {
          extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
        });
      }
    });
  },
});

const tooLarge = () =>
  new GraphQLError('Request body is too large', { extensions: { code: 'PAYLOAD_TOO_LARGE', http: { status: 413 } } });

/**
 * Refuses long bodies. Yoga's own limit pipes every body through a stream, which takes a quarter of a small request's
 * time; a body that comes with its length needs none, since Node lets no longer one in.
 */
export const useBodyLimit = (): Plugin => ({
  onRequestParse({ request, requestParser, setRequestParser, fetchAPI }) {
    const length = request.headers.get('content-length');
    if (Number(length) > MAX_BODY_BYTES) throw tooLarge();
    const { body } = request;
    if (length !== null || body === null || requestParser === undefined) return;
    setRequestParser(async ({ url, method, headers }) =>
      requestParser(new fetchAPI.Request(url, { method, headers, body: await readLimited(body) })),
    );
  },
});

/** Reads without closing the stream when it is too long: that would cut the connection before the answer. */
async function readLimited(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks).toString();
    size += value.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(value);
  }
}
