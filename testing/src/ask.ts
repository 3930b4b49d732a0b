import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Asked {
  method?: string;
  /** A list is sent as several headers of the same name. */
  authorization?: string | readonly string[] | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON; a string as it is. */
  body?: object | string | undefined;
}

export interface Received {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  /** Parsed where it is JSON, else its text. */
  // Each test knows what it asked for.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

/** One request on a connection of its own, its headers as they are given: fetch would tidy them up. */
export function ask(url: string, { method = 'GET', authorization, headers, body }: Asked = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent: false }, (response) => {
      text(response).then((read) => {
        const isJson = response.headers['content-type']?.includes('json') === true;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: isJson ? (JSON.parse(read) as unknown) : read,
        });
      }, reject);
    });
    outgoing.on('error', reject);
    if (authorization !== undefined) outgoing.setHeader('Authorization', authorization);
    if (body !== undefined) outgoing.setHeader('Content-Type', 'application/json');
    for (const [name, value] of Object.entries(headers ?? {})) outgoing.setHeader(name, value);
    if (body === undefined) outgoing.end();
    else outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}
