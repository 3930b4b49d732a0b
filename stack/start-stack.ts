// A whole system for tests: every server and service on free ports, in a folder of its own, beside any running stack.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { databaseUrls } from './database-urls.ts';
import { fillSecrets } from './environment-file.ts';
import { connectionUrl } from '../common/src/config/connection-url.ts';
import { systemParts, type PartsOptions } from './parts.ts';
import { databases } from './services.ts';
import { repository } from './paths.ts';
import { parseSettings, portVariables, type Settings } from './settings.ts';
import type { SupervisedProcess } from './supervised-process.ts';
import type { SupervisorEvents } from './supervisor.ts';
import { fastAndForgetful, removeLeftOvers } from './test-directories.ts';
import { reserveTestPlace } from './test-servers.ts';

/** Tests run beside others, on machines that have too much to do. */
const refusesNothing = { GATEWAY_OVERLOAD_DELAY: '', SERVICE_OVERLOAD_DELAY: '' };

export interface StartStackOptions {
  /** Holds data and logs; kept when it is named here, else made for this run and removed with it. */
  directory?: string;
  /** Settings that differ from .env.example; ports are chosen, keys are made. */
  environment?: Record<string, string>;
  /** What changes in the settings of a service, asked each time it starts. */
  changes?: PartsOptions['changes'];
  /** Settings of the PostgreSQL servers; those for data that nobody will miss unless set otherwise. */
  postgresSettings?: Record<string, string>;
  events?: Partial<SupervisorEvents>;
  /** Prometheus runs only where this says so. */
  prometheus?: PartsOptions['withPrometheus'];
  /** Adminer runs only where this says so. */
  adminer?: boolean;
}

export interface RunningStack {
  directory: string;
  /** The settings of .env.example as this stack uses them, with its ports, such as GATEWAY_PORT, and with whole URLs. */
  environment: Record<string, string>;
  urls: {
    /** The entry point that clients take. */
    nginx: string;
    gateway: string;
    userService: string;
    orderService: string;
    paymentService: string;
    rabbitmqManagement: string;
    prometheus: string;
  };
  /**
   * A program, to be killed, paused or started again: postgres-user, postgres-order, postgres-payment, epmd, rabbitmq,
   * user-service, order-service, payment-service, gateway, nginx; adminer, prometheus and nginx-log where they run.
   */
  process(name: string): SupervisedProcess;
  stop(): Promise<void>;
}

/** Starts a whole system and waits until it is ready. */
export async function startStack(options: StartStackOptions = {}): Promise<RunningStack> {
  await removeLeftOvers();
  const { directory, ports, start } = await reserveTestPlace(portVariables.length, options.directory);
  const reserved = Object.fromEntries(portVariables.map((name, i) => [name, String(ports[i])]));
  const example = fillSecrets(readFileSync(path.join(repository, '.env.example'), 'utf8'));
  const settings = parseSettings([example], { ...reserved, ...refusesNothing, ...options.environment });
  const parts = systemParts({
    settings,
    directory,
    postgresSettings: options.postgresSettings ?? fastAndForgetful,
    rabbitmqStopSignal: 'SIGKILL',
    withAdminer: options.adminer ?? false,
    changes: options.changes,
    withPrometheus: options.prometheus ?? false,
  });
  const { supervisor, stop } = await start(parts, options.events);
  const url = (name: string) => `http://127.0.0.1:${settings.variables[name]}`;
  return {
    directory,
    environment: { ...settings.variables, ...wholeUrls(settings) },
    urls: {
      nginx: url('NGINX_PORT'),
      gateway: url('GATEWAY_PORT'),
      userService: url('USER_SERVICE_PORT'),
      orderService: url('ORDER_SERVICE_PORT'),
      paymentService: url('PAYMENT_SERVICE_PORT'),
      rabbitmqManagement: url('RABBITMQ_MANAGEMENT_PORT'),
      prometheus: url('PROMETHEUS_PORT'),
    },
    process: (name) => supervisor.process(name),
    stop,
  };
}

/** The URL of each database as its server's superuser, for tests that look into it or bring it into disorder, and the broker's. */
function wholeUrls(settings: Settings): Record<string, string> {
  const { variables, ports, rabbitmq } = settings;
  const urls = databaseUrls(settings);
  const broker = { host: variables.RABBITMQ_HOST ?? '', port: ports.RABBITMQ_PORT, ...rabbitmq };
  return {
    ...Object.fromEntries(databases.map((each) => [each.variables.DATABASE_URL, urls.get(each.name)?.superuser ?? ''])),
    RABBITMQ_URL: variables.RABBITMQ_URL || connectionUrl('amqp', broker),
  };
}
