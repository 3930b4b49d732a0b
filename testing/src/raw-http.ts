import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { TIMEOUT } from './time-limits.js';

/** What came back over a connection to which bytes were sent as they are. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * Sends bytes as they are, and answers what came back before the server hung up; undefined where it did so without a
 * word. `isIncomplete`: nothing more will come, and the server is notified. Rejects where it does not hang up in time.
 */
export async function sendRaw(
  url: string,
  bytes: Buffer,
  { isIncomplete = false }: { isIncomplete?: boolean | undefined } = {},
): Promise<RawAnswer | undefined> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const chunks: Buffer[] = [];
  const closed = new Promise<'closed'>((resolve) => {
    socket.on('close', () => resolve('closed'));
  });
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server that hangs up in the middle of what is sent resets the connection; what it said before counts.
  socket.on('error', () => undefined);
  if (isIncomplete) socket.end(bytes);
  else socket.write(bytes);
  const timeout = new AbortController();
  const outcome = await Promise.race([closed, delay(TIMEOUT, 'late' as const, { signal: timeout.signal })]);
  timeout.abort();
  socket.destroy();
  if (outcome === 'late') throw new Error('neither answered nor hung up');
  return parseAnswer(Buffer.concat(chunks));
}

/** The first final answer among what came; undefined where there is none. */
function parseAnswer(bytes: Buffer): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const rest = bytes.subarray(end + 4);
  if (status < 200 && status !== 101) return parseAnswer(rest);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const length = headers.get('content-length');
  const body = headers.get('transfer-encoding') === 'chunked' ? unchunk(rest) : rest.subarray(0, Number(length ?? 0));
  return { status, headers, body: body.toString() };
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = lineEnd < 0 ? 0 : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!size) return Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
