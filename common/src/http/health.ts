import { Router } from 'express';
import type { Logger } from '../logger/index.js';
import type { Metrics } from '../metrics/index.js';
import type { DependencyState, Readiness } from './health-answers.js';
import { markRoute } from './observe-request.js';
import { readOnly } from './other-methods.js';
import { sendJson } from './reply.js';

export interface Probe {
  /** Whether the process is of no use without it: its own database. */
  readonly required: boolean;
  readonly state: () => DependencyState | Promise<DependencyState>;
}

export interface HealthOptions {
  service: string;
  version: string;
  logger: Logger;
  metrics: Metrics;
  probes: Readonly<Record<string, Probe>>;
  /** True from the first signal to stop on: no new work should come. */
  isStopping: () => boolean;
}

/** Asks every probe. */
export async function readiness({ probes, isStopping }: HealthOptions): Promise<Readiness> {
  const states = await Promise.all(
    Object.entries(probes).map(async ([name, { state, required }]) => ({ name, required, state: await state() })),
  );
  const unavailable = isStopping() || states.some(({ required, state }) => required && state === 'down');
  const degraded = states.some(({ state }) => state !== 'up');
  return {
    status: unavailable ? 'unavailable' : degraded ? 'degraded' : 'ok',
    dependencies: Object.fromEntries(states.map(({ name, state }) => [name, state])),
  };
}

/** What /ready tells, as a metric. */
function gaugeDependencies({ probes, metrics }: HealthOptions): void {
  metrics.gauge(
    'service_dependency_up',
    '1 where a dependency does its work, 0 where it is down, behind or blocked',
    ['dependency'],
    async (up) => {
      const states = Object.entries(probes).map(async ([dependency, { state }]) => {
        up.set({ dependency }, (await state()) === 'up' ? 1 : 0);
      });
      await Promise.all(states);
    },
  );
}

/** /health (the process lives; asks nothing else), /ready (may it get work) and /metrics. */
export function healthRouter(options: HealthOptions): Router {
  const { service, version, logger, metrics, isStopping } = options;
  gaugeDependencies(options);
  return Router()
    .get('/health', markRoute('/health'), (_request, response) => {
      sendJson(response, 200, { status: 'healthy', service, version, uptime: process.uptime() });
    })
    .get('/ready', markRoute('/ready'), async (_request, response) => {
      const ready = await readiness(options);
      // To stop is planned: nobody has to act.
      if (ready.status === 'unavailable' && !isStopping()) logger.error('not ready', { ...ready });
      sendJson(response, ready.status === 'unavailable' ? 503 : 200, { service, ...ready });
    })
    .get('/metrics', markRoute('/metrics'), async (_request, response) => {
      response.type(metrics.registry.contentType).send(await metrics.report());
    })
    .all(['/health', '/ready', '/metrics'], readOnly);
}
