import { IncomingMessage, ServerResponse, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/** `answerHeaders`: names and values in turn, of the headers that the answer begins with. */
type BegunResponse = ServerResponse & { answerHeaders?: string[] };
type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

class RecordedResponse extends ServerResponse {
  readonly headers: string[] = [];

  override setHeader(name: string, value: number | string | readonly string[]): this {
    this.headers.push(name, String(value));
    return this;
  }
}

/** What helmet has every answer begin with, names and values in turn. */
export function securityHeaders(): readonly string[] {
  const response = new RecordedResponse(new IncomingMessage(new Socket()));
  helmet()(response.req, response, () => undefined);
  return response.headers;
}

/** Has an answer begin with these headers, whoever makes it, but for those that are set by then. */
export function beginAnswer(response: BegunResponse, headers: readonly string[]): void {
  response.answerHeaders = [...headers];
  response.writeHead = writeHead;
}

/** As `appendHeader`, at a fraction of its cost: Node files each header by its name, to write all of them in the end. */
export function addHeader(response: BegunResponse, name: string, value: string): void {
  if (response.answerHeaders === undefined) response.appendHeader(name, value);
  else response.answerHeaders.push(name, value);
}

/** Node calls it for every answer, also where nobody else does. */
function writeHead(this: BegunResponse, status: number, reason?: string | Headers, others?: Headers): BegunResponse {
  const given = typeof reason === 'string' ? others : reason;
  const headers = this.answerHeaders ?? [];
  const names = this.getHeaderNames();
  const isBare = given === undefined && names.length === 0;
  if (typeof reason === 'string') this.statusMessage = reason;
  for (let i = 0; !isBare && i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = headers.slice(i, i + 2);
    if (!names.includes(name.toLowerCase())) this.appendHeader(name, value);
    // One header of all: nginx keeps an answer by a single one.
    else if (name === 'Vary') this.setHeader(name, [this.getHeader(name), value].join(', '));
  }
  ServerResponse.prototype.writeHead.call(this, status, isBare ? headers : given);
  return this;
}
