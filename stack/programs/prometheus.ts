// Prometheus from the system's package, with the rules of prometheus/ and all of its files in a folder of the stack's; and
// mtail, which counts for it what nginx writes into its access log.
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findExecutable } from '../packages.ts';
import { repository } from '../paths.ts';
import type { Program } from '../program.ts';
import { writeWholeFile } from '../whole-file.ts';
import { answersOk } from './node-service.ts';

/** What is asked for figures: a job, and the address that it answers at. */
export interface PrometheusTarget {
  job: string;
  address: string;
  /** /metrics unless told otherwise. */
  path?: string;
  parameters?: Record<string, string>;
}

export interface PrometheusOptions {
  /** Holds the configuration and all data. */
  directory: string;
  port: number;
  targets: PrometheusTarget[];
  /** How long figures are kept, and how much of the disk they may take: as Prometheus writes them, e.g. 7d and 512MB. */
  retention: { time: string; size: string };
  /** Changes the text of a file of prometheus/, for tests that can't wait for minutes. */
  adapt?: (text: string) => string;
  needs: string[];
  environment: Record<string, string>;
}

const sources = path.join(repository, 'prometheus');
const files = ['prometheus.yml', 'recording.rules.yml', 'alerts.rules.yml'];

export function prometheus(options: PrometheusOptions): Program {
  const { directory, port, retention } = options;
  return {
    kind: 'program',
    name: 'prometheus',
    needs: options.needs,
    ports: [{ port, variable: 'PROMETHEUS_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    prepare: async () => writeConfiguration(options),
    command: () => ({
      argv: [
        findExecutable('prometheus') ?? 'prometheus',
        `--config.file=${path.join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(directory, 'data')}`,
        `--storage.tsdb.retention.time=${retention.time}`,
        `--storage.tsdb.retention.size=${retention.size}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      environment: options.environment,
      directory,
    }),
    isReady: () => answersOk(`http://127.0.0.1:${port}/-/ready`),
  };
}

function writeConfiguration({ directory, targets, adapt = (text) => text }: PrometheusOptions): void {
  mkdirSync(path.join(directory, 'data'), { recursive: true });
  for (const file of files) {
    writeWholeFile(path.join(directory, file), adapt(readFileSync(path.join(sources, file), 'utf8')));
  }
  const groups = targets.map(({ job, address, path: metricsPath = '/metrics', parameters = {} }) => ({
    targets: [address],
    labels: {
      job,
      __metrics_path__: metricsPath,
      ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`__param_${name}`, value])),
    },
  }));
  writeWholeFile(path.join(directory, 'targets.yml'), JSON.stringify(groups, undefined, 2)); // JSON is YAML
}

export interface NginxLogFiguresOptions {
  port: number;
  accessLog: string;
  /** Where it may write. */
  directory: string;
  needs: string[];
  environment: Record<string, string>;
}

export function nginxLogFigures({ port, accessLog, directory, needs, environment }: NginxLogFiguresOptions): Program {
  return {
    kind: 'program',
    name: 'nginx-log',
    needs,
    ports: [{ port, variable: 'NGINX_LOG_METRICS_PORT' }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5_000,
    prepare: async () => void mkdirSync(directory, { recursive: true }),
    command: () => ({
      argv: [
        findExecutable('mtail') ?? 'mtail',
        `--progs=${path.join(sources, 'nginx-access-log.mtail')}`,
        `--logs=${accessLog}`,
        `--address=127.0.0.1`,
        `--port=${port}`,
        '--emit_prog_label=false',
        '--logtostderr',
        '--stderrthreshold=2',
      ],
      environment,
      directory,
    }),
    isReady: () => answersOk(`http://127.0.0.1:${port}/metrics`),
  };
}
