// Prometheus from the system's package, with the rules of prometheus/ and all of its files in a folder of the stack's; and
// mtail, which counts for it what nginx writes into its access log.
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { hashSync } from 'bcrypt';
import { makePassable } from '../data-folder.ts';
import { findExecutable } from '../packages.ts';
import { repository } from '../paths.ts';
import type { Program } from '../program.ts';
import { ownFolder, readableBy, serverAccount, writeReadable, type Account } from '../system-account.ts';
import { answersOk } from './node-service.ts';
import { basicAuthorization } from './rabbitmq.ts';

/** What is asked for metrics: a job, and the address that it answers at. */
export interface PrometheusTarget {
  job: string;
  address: string;
  /** /metrics unless set otherwise. */
  path?: string;
  parameters?: Record<string, string>;
}

export interface PrometheusOptions {
  /** Holds the configuration and all data. */
  directory: string;
  /** Where it lets in its guard alone. */
  port: number;
  /** For its guard. */
  password: string;
  targets: PrometheusTarget[];
  /** The Alertmanagers that it notifies, as host:port. */
  alertmanagers: string[];
  /** How long metrics are kept, and how much of the disk they may take: as Prometheus writes them, e.g. 7d and 512MB. */
  retention: { time: string; size: string };
  /** Changes the text of a file of prometheus/, for tests that can't wait for minutes. */
  adapt?: (text: string) => string;
  needs: string[];
  environment: Record<string, string>;
}

const guardUser = 'guard';
const sources = path.join(repository, 'prometheus');
const files = ['prometheus.yml', 'recording.rules.yml', 'alerts.rules.yml'];

export function prometheus(options: PrometheusOptions): Program {
  const { directory, port, retention } = options;
  // Its password has 256 bits: a cost beyond the least would protect nothing.
  const passwordHash = hashSync(options.password, 4);
  return {
    kind: 'program',
    name: 'prometheus',
    needs: options.needs,
    ports: [{ port, variable: 'PROMETHEUS_INTERNAL_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    prepare: async () => writeConfiguration(options, passwordHash),
    command: () => ({
      argv: [
        findExecutable('prometheus') ?? 'prometheus',
        `--web.config.file=${path.join(directory, 'web.yml')}`,
        `--config.file=${path.join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(directory, 'data')}`,
        `--storage.tsdb.retention.time=${retention.time}`,
        `--storage.tsdb.retention.size=${retention.size}`,
        `--web.listen-address=127.0.0.1:${port}`,
        // It maps a file of 1,000 bytes for each concurrent query, and dies when a page of it is new and the disk full: 4 fit one page.
        '--query.max-concurrency=4',
        '--web.cors.origin=none', // pages of other origins may ask, and not read; by default they may
        '--log.level=warn',
      ],
      environment: options.environment,
      directory,
      ...serverAccount('prometheus', path.dirname(directory)),
    }),
    isReady: () => answersOk(`http://127.0.0.1:${port}/-/ready`, guardAuthorization(options.password)),
  };
}

/** What its guard says to it. */
export const guardAuthorization = (password: string): string => basicAuthorization({ user: guardUser, password });

function writeConfiguration(
  { directory, targets, alertmanagers, adapt = (text) => text }: PrometheusOptions,
  passwordHash: string,
): void {
  const account = serverAccount('prometheus', path.dirname(directory));
  makePassable(directory);
  ownFolder(path.join(directory, 'data'), account);
  const write = (name: string, text: string) => writeReadable(account, path.join(directory, name), text);
  write('web.yml', JSON.stringify({ basic_auth_users: { [guardUser]: passwordHash } }));
  for (const file of files) write(file, adapt(readFileSync(path.join(sources, file), 'utf8')));
  const groups = targets.map(({ job, address, path: metricsPath = '/metrics', parameters = {} }) => ({
    targets: [address],
    labels: {
      job,
      __metrics_path__: metricsPath,
      ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`__param_${name}`, value])),
    },
  }));
  write('targets.yml', JSON.stringify(groups, undefined, 2)); // JSON is YAML
  write('alertmanagers.yml', JSON.stringify(alertmanagers.length > 0 ? [{ targets: alertmanagers }] : []));
}

export interface NginxLogMetricsOptions {
  port: number;
  accessLog: string;
  /** Where it may write. */
  directory: string;
  needs: string[];
  environment: Record<string, string>;
}

export function nginxLogMetrics({ port, accessLog, directory, needs, environment }: NginxLogMetricsOptions): Program {
  const program = 'nginx-access-log.mtail';
  const shownLog = path.join(directory, 'access.log');
  const account = (): Account | undefined => serverAccount('prometheus', path.dirname(directory));
  return {
    kind: 'program',
    name: 'nginx-log',
    needs,
    ports: [{ port, variable: 'NGINX_LOG_METRICS_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5_000,
    async prepare() {
      makePassable(directory);
      writeReadable(account(), path.join(directory, program), readFileSync(path.join(sources, program), 'utf8'));
      if (account()) showLog(accessLog, shownLog, account());
    },
    command: () => ({
      argv: [
        findExecutable('mtail') ?? 'mtail',
        `--progs=${path.join(directory, program)}`,
        `--logs=${account() ? shownLog : accessLog}`,
        `--address=127.0.0.1`,
        `--port=${port}`,
        '--emit_prog_label=false',
        '--logtostderr',
        '--stderrthreshold=2',
      ],
      environment,
      directory,
      ...account(),
    }),
    isReady: () => answersOk(`http://127.0.0.1:${port}/metrics`),
  };
}

/** Lets a server read one log, under another name: the folder of the logs is root's alone. Both names stay those of one file. */
function showLog(log: string, shown: string, account: Account | undefined): void {
  mkdirSync(path.dirname(log), { recursive: true, mode: 0o700 });
  closeSync(openSync(log, 'a', 0o600));
  if (statSync(shown, { throwIfNoEntry: false })?.ino !== statSync(log).ino) {
    rmSync(shown, { force: true });
    linkSync(log, shown);
  }
  readableBy(account, log);
}
