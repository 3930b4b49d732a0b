// A service that is replaced while it is in use, as an orchestrator does it: the next process is started, takes over all
// new requests, and the one before it is asked to stop.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { repository } from '../../stack/paths.ts';

export type Workspace = 'user-service' | 'order-service' | 'payment-service' | 'gateway';
export type Environment = Record<string, string>;

const portVariables: Record<Workspace, string> = {
  'user-service': 'USER_SERVICE_PORT',
  'order-service': 'ORDER_SERVICE_PORT',
  'payment-service': 'PAYMENT_SERVICE_PORT',
  gateway: 'GATEWAY_PORT',
};

export interface RunningProcess {
  port: number;
  /** What it has said at level error. */
  readonly errors: readonly string[];
  /** Ends it in order; rejects where it doesn't end well. */
  stop(): Promise<void>;
}

export class RollingService {
  readonly #workspace: Workspace;
  readonly #front: Server;
  #current: RunningProcess | undefined;

  /** Opens the address that stays; nobody answers there until the first `roll`. */
  static async create(workspace: Workspace): Promise<RollingService> {
    const service = new RollingService(workspace);
    service.#front.listen(0, '127.0.0.1');
    await once(service.#front, 'listening');
    return service;
  }

  private constructor(workspace: Workspace) {
    this.#workspace = workspace;
    // Idle connections stay: one that ends just as a request comes would look like a service that is gone.
    this.#front = createServer({ keepAliveTimeout: 0 }, (incoming, response) => this.#forward(incoming, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#front.address() as AddressInfo).port}`;
  }

  /** Starts a process with these settings and, once it listens, puts it in the place of the one before. */
  async roll(environment: Environment): Promise<void> {
    const before = this.#current;
    this.#current = await startProcess(this.#workspace, environment);
    await before?.stop();
  }

  async stop(): Promise<void> {
    this.#front.close();
    this.#front.closeAllConnections();
    await this.#current?.stop();
  }

  /** Each request over a connection of its own, so that none is sent into one that is about to be closed. */
  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    const port = this.#current?.port;
    const { method, url: target, headers } = incoming;
    const outgoing = request({ host: '127.0.0.1', port, method, path: target, headers, agent: false }, (answer) => {
      const { connection: _ofTheirs, ...answered } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, answered);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.writeHead(502).end());
    incoming.pipe(outgoing);
  }
}

/** Starts a service's process with these settings, on a free port, and waits until it listens. */
export async function startProcess(workspace: Workspace, environment: Environment): Promise<RunningProcess> {
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd: path.join(repository, workspace),
    env: { PATH: process.env.PATH, ...environment, [portVariables[workspace]]: '0', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const port = /"message":"listening"/.test(line) ? /"port":(\d+)/.exec(line)?.[1] : undefined;
    if (port === undefined) continue;
    const errors: string[] = [];
    createInterface({ input: child.stdout }).on('line', (later) => {
      if (later.includes('"level":"error"')) errors.push(later);
    });
    return { port: Number(port), errors, stop: () => stopProcess(child, ended, workspace) };
  }
  throw new Error(`${workspace} did not start:\n${lines.join('\n')}`);
}

async function stopProcess(child: ChildProcess, ended: Promise<unknown[]>, name: string): Promise<void> {
  child.kill('SIGTERM');
  const [code] = await ended;
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}`);
}
