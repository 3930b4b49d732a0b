import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const POLL = 100;

/**
 * One address for several processes of a service, as Kubernetes' Service is: it hands each new connection to a process
 * that says it is ready, and leaves those that there are where they lead.
 */
export class Balancer {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #stopped = new AbortController();
  #ready: readonly number[];
  #turn = 0;

  /** For processes that are ready. */
  static async create(ports: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(ports);
    for (const port of ports) void balancer.#watch(port);
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  private constructor(ports: readonly number[]) {
    this.#ready = ports;
    this.#server = createServer((socket) => this.#hand(socket));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#stopped.abort();
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }

  #hand(client: Socket): void {
    const port = this.#ready[this.#turn++ % this.#ready.length];
    if (port === undefined) {
      client.destroy();
      return;
    }
    const process = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, process],
      [process, client],
    ] as const) {
      this.#open.add(from);
      from.on('error', () => to.destroy());
      from.once('close', () => {
        this.#open.delete(from);
        to.destroySoon();
      });
      from.pipe(to);
    }
  }

  /** A process that is slow to say so stays what it was. */
  async #watch(port: number): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const ready = await askReady(port);
      if (ready !== undefined) this.#ready = [...this.#ready.filter((one) => one !== port), ...(ready ? [port] : [])];
      await delay(POLL);
    }
  }
}

async function askReady(port: number): Promise<boolean | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/ready`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(1_000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    const isSlow = error instanceof DOMException && error.name === 'TimeoutError';
    return isSlow ? undefined : false; // it has ended
  }
}
