import { createRequire } from 'node:module';
import { z } from 'zod';
import { AccessTokenVerifier, RevocationList } from '../../auth/index.js';
import type { HostConfig } from '../../config/index.js';
import {
  listen,
  OverloadGuard,
  ServiceClient,
  type HttpServer,
  type Listener,
  type OverloadGuardOptions,
  type Probe,
} from '../../http/index.js';
import { createLogger, type Logger } from '../../logger/index.js';
import { createTopology, RevocationStream, type EventTopology } from '../../messaging/broadcast/index.js';
import { createMetrics, type Metrics } from '../../metrics/index.js';
import type { Siblings } from '../../process/index.js';
import { BrokerConnection } from '../../rabbitmq/index.js';
import { startTracing, type Tracing } from '../../tracing/index.js';
import { stopInOrder } from './stop-in-order.js';

/** Milliseconds that running requests get to end in when the process stops. */
const SERVER_GRACE = 10_000;

/** A part of a process. What has not started yet can be stopped, too; promises of both are awaited. */
export interface Component {
  start?(): unknown;
  stop?(): unknown;
}

export interface RunningHost {
  readonly port: number;
  /** Takes requests for a little longer, not ready any more. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** By what a process finds that it has too much to do, beside its event loop, and how it says so. */
export type OverloadParts = Partial<Pick<OverloadGuardOptions, 'queues' | 'exempt' | 'bodyOf'>>;

/** What every process that answers HTTP has, and how it starts and stops. */
export interface Host {
  readonly name: string;
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Absent: no traces are made. */
  readonly tracing: Tracing | undefined;
  readonly topology: EventTopology;
  readonly broker: BrokerConnection;
  readonly revocations: RevocationList;
  readonly revocationStream: RevocationStream;
  readonly verifier: AccessTokenVerifier;
  readonly probes: { readonly broker: Probe; readonly revocations: Probe };
  /** For calls of another service, each of up to `timeout` milliseconds; its owner closes it. */
  createClient(service: { name: string; url: string; timeout: number }): ServiceClient;
  /** True from the first signal to stop on. */
  isStopping(): boolean;
  /** The address of a path of its own, for whoever runs on this machine. */
  localUrl(path: string): string;
  /** The server in front of `listener`. It opens once the revocations are known, as far as the broker lets it know them. */
  server(listener: Listener, overload?: OverloadParts): Component;
  /** Starts the components one after the other and stops them in the reverse order. Rejects when one fails, all stopped. */
  run(components: readonly Component[]): Promise<RunningHost>;
}

/** The version of the package that a module directly below its `src` or `dist` belongs to. */
export const packageVersion = (moduleUrl: string): string =>
  z.object({ version: z.string() }).parse(createRequire(moduleUrl)('../../package.json')).version;

/** A host to connect to, in place of one to listen on, as it stands in a URL. */
function reachable(host: string): string {
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return address.includes(':') ? `[${address}]` : address;
}

/** Builds what every process that answers HTTP has; nothing of it runs yet. */
export async function createHost({
  name,
  version,
  config,
  logger = createLogger({ service: name, level: config.logLevel }),
  siblings,
}: {
  name: string;
  version: string;
  config: HostConfig;
  logger?: Logger | undefined;
  siblings?: Siblings | undefined;
}): Promise<Host> {
  const metrics = createMetrics({ service: name, siblings });
  const tracing = await startTracing(config.tracing, { service: name, version, logger });
  const topology = createTopology({ accessTokenLifetime: config.accessTokenLifetime });
  const broker = new BrokerConnection({ url: config.brokerUrl, name, topology, logger });
  const revocations = new RevocationList({ lifetime: config.accessTokenLifetime });
  const revocationStream = new RevocationStream({
    connection: broker,
    stream: topology.revocations,
    revocations,
    logger,
  });
  const verifier = new AccessTokenVerifier({
    publicKeys: config.publicKeys,
    issuer: config.tokenIssuer,
    formerIssuers: config.formerTokenIssuers,
    audience: config.tokenAudience,
    revocations,
  });

  let isStopping = false;
  let httpServer: HttpServer | undefined;
  const port = (): number => httpServer?.port ?? config.port;

  const guardBy = ({ queues = [], ...parts }: OverloadParts): OverloadGuard | undefined =>
    config.overloadDelay === undefined
      ? undefined
      : new OverloadGuard({
          ...parts,
          target: config.overloadDelay,
          queues,
          corsOrigins: config.corsOrigins,
          logger,
          metrics,
        });

  const server = (listener: Listener, overload: OverloadParts = {}): Component => {
    const guard = guardBy(overload);
    return {
      start: async () => {
        await revocationStream.untilReady();
        httpServer = await listen(listener, {
          host: config.host,
          port: config.port,
          allowedHosts: [name, ...(config.allowedHosts ?? [])],
          admit: guard && ((request, response, begin) => guard.admit(request, response, begin)),
        });
      },
      stop: async () => {
        await httpServer?.stop(SERVER_GRACE);
        guard?.stop();
      },
    };
  };

  const run = async (components: readonly Component[]): Promise<RunningHost> => {
    const drain = async (): Promise<void> => {
      isStopping = true;
      await httpServer?.drain(config.stopDelay ?? 0);
    };
    const stop = async (): Promise<void> => {
      isStopping = true;
      await stopInOrder([
        ...components.toReversed().map((component) => async () => component.stop?.()),
        async () => tracing?.stop(),
      ]);
      logger.info('stopped');
    };
    try {
      for (const component of components) await component.start?.();
    } catch (error) {
      await stop();
      throw error;
    }
    logger.info('listening', { host: config.host, port: port(), version });
    return { port: port(), drain, stop };
  };

  return {
    name,
    version,
    logger,
    metrics,
    tracing,
    topology,
    broker,
    revocations,
    revocationStream,
    verifier,
    probes: {
      broker: { required: false, state: () => broker.state() },
      revocations: { required: false, state: () => revocationStream.state() },
    },
    createClient: (service) => new ServiceClient({ ...service, metrics, tracing }),
    isStopping: () => isStopping,
    localUrl: (path) => `http://${reachable(config.host)}:${port()}${path}`,
    server,
    run,
  };
}
