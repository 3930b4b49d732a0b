import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  /** The given URL, by way of the proxy. */
  url: string;
  /** Cuts every connection and refuses new ones. */
  cut(): void;
  /** Lets connections through again. */
  mend(): void;
  /**
   * Once the service has said these texts on one connection, in this order, nothing reaches it any more: what it asked
   * for last is done, and it never learns of it.
   */
  muteAfter(...texts: readonly string[]): void;
  /** When the server next says something that ends with `last`, it adds `farewell` in the same breath and is gone. */
  endAfter(last: Buffer, farewell: Buffer): void;
  /** What the server says from now on arrives so many milliseconds later. */
  slowDown(milliseconds: number): void;
  stop(): Promise<void>;
}

/** Stands between the service and a server, to let that server vanish and come back. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isCut = false;
  let isMute = false;
  let cues: readonly string[] = [];
  let lag = 0;
  let ending: { last: Buffer; farewell: Buffer } | undefined;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.on('end', () => other.end());
    }
    let received = 0;
    let earliest = 0;
    client.on('data', (chunk) => {
      const cue = cues[received];
      if (cue !== undefined && chunk.includes(cue)) received++;
      if (cues.length > 0 && received === cues.length) isMute = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (isMute) return;
      if (ending !== undefined && chunk.subarray(-ending.last.length).equals(ending.last)) {
        client.end(Buffer.concat([chunk, ending.farewell]));
        ending = undefined;
      } else if (lag === 0 && earliest < Date.now()) client.write(chunk);
      else {
        earliest = Math.max(earliest, Date.now() + lag); // never before what was said earlier
        setTimeout(() => client.write(chunk), earliest - Date.now());
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => {
      isCut = false;
    },
    muteAfter: (...texts) => {
      cues = texts;
    },
    endAfter: (last, farewell) => {
      ending = { last, farewell };
    },
    slowDown: (milliseconds) => {
      lag = milliseconds;
    },
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
