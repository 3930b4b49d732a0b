import { get } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Page {
  status: number | undefined;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
}

/** What a browser gets, byte for byte: fetch would unpack it, and join headers that are there twice. */
export const browse = (url: string, headers: Record<string, string> = {}): Promise<Page> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { accept: 'text/html,*/*;q=0.8', ...headers } }, (response) => {
      buffer(response).then(
        (body) => resolve({ status: response.statusCode, headers: response.headers, body }),
        reject,
      );
    }).on('error', reject);
  });
