import type { Dispatcher } from 'undici';

export interface CollectedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** An answer was not complete in time. */
export class AnswerTimeout extends Error {}

/**
 * Sends a request and reads its whole answer. Rejects with AnswerTimeout where that takes longer than `timeout`
 * milliseconds, whatever it waits for, and with undici's errors. Its `request` makes a stream and signals of each answer,
 * which costs more than all else about it.
 */
export function collectAnswer(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  timeout: number,
): Promise<CollectedAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let expired: AnswerTimeout | undefined;
    let status = 0;
    let headers: CollectedAnswer['headers'] = {};
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      expired = new AnswerTimeout(`No answer within ${timeout} ms`);
      controller?.abort(expired);
      reject(expired);
    }, timeout);
    dispatcher.dispatch(options, {
      onRequestStart: (started) => {
        controller = started;
        if (expired !== undefined) started.abort(expired); // it waited for a connection until then
      },
      onResponseStart: (_controller, statusCode, given) => {
        status = statusCode;
        headers = given;
      },
      onResponseData: (_controller, chunk) => {
        chunks.push(chunk);
      },
      onResponseEnd: () => {
        clearTimeout(timer);
        const [first] = chunks;
        const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
        resolve({ status, headers, text: body.toString() });
      },
      onResponseError: (_controller, error) => {
        clearTimeout(timer);
        reject(error);
      },
    });
  });
}
