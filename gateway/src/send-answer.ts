import type { IncomingMessage, ServerResponse } from 'node:http';
import { addHeader } from '@shop/common/http';
import { sendNodeResponse } from '@whatwg-node/server';

/** What lasts, or comes in parts: all else is JSON, and there as a whole. */
const STREAMED = /^(?:text\/event-stream|multipart\/)/;

/** Sends what Yoga answers: in one piece, with its length, where Yoga's own sends head, body and end as chunks. */
export async function sendAnswer(answer: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (STREAMED.test(answer.headers.get('content-type') ?? '')) {
    await sendNodeResponse(answer, response, request, true);
    return;
  }
  const text = await answer.text();
  if (response.destroyed) return;
  for (const [name, value] of answer.headers) addHeader(response, name, value);
  response.statusCode = answer.status;
  response.end(text);
}
