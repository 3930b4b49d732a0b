import { readFile } from 'node:fs/promises';
import { TIMEOUT } from '@shop/testing';

/** Prometheus asks and checks so often that a test needn't wait for it. */
export const every =
  (seconds: number) =>
  (configuration: string): string =>
    configuration.replaceAll(/_interval: 15s/g, `_interval: ${seconds}s`);

/** A rate needs a few samples; an alert must not fire because a busy machine gave no sample for a moment. */
const [SHORTEST_WINDOW, SHORTEST_WAIT] = [6, 10];

/**
 * For the rules, time passes faster: what they look at is a twentieth as long, how long it must last a sixtieth, down to
 * some seconds, and an outbox is behind after 3 s.
 */
export const hurried = (rules: string): string =>
  every(2)(rules)
    .replaceAll(/\[(\d+)([mhd])\]/g, (_, count: string, unit: string) => {
      return `[${Math.max(SHORTEST_WINDOW, (Number(count) * secondsOf(unit)) / 20)}s]`;
    })
    .replaceAll(/for: (\d+)([sm])/g, (_, count: string, unit: string) => {
      return `for: ${Math.max(SHORTEST_WAIT, Math.round((Number(count) * secondsOf(unit)) / 60))}s`;
    })
    .replace('outbox_oldest_unpublished_age_seconds > 30', 'outbox_oldest_unpublished_age_seconds > 3');

const secondsOf = (unit: string): number => ({ s: 1, m: 60, h: 3_600, d: 86_400 })[unit] ?? 0;

/** Prometheus makes these itself. */
const OF_PROMETHEUS = ['up', 'ALERTS'];

/** The metrics that an expression asks for; by a pattern of names, all that it may mean. */
export function metricsIn(expression: string): string[] {
  const byPattern = [...expression.matchAll(/__name__=~"\(([\w|]+)\)(\w+)"/g)].flatMap(([, names = '', rest = '']) =>
    names.split('|').map((name) => name + rest),
  );
  const plain = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  // Neither a function nor an operator, nor a number's unit.
  const names = [...plain.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*\b(?!\s*\()/g)].map(([name]) => name);
  return [...byPattern, ...names.filter((name) => !/^(and|or|unless|bool|sum|by|offset)$/.test(name))];
}

export interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** A running Prometheus, asked over its HTTP API. */
export class PrometheusClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** What an expression is now; NaN counts as nothing. */
  async query(expression: string): Promise<Sample[]> {
    const { result } = await this.#get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result
      .map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
      .filter(({ value }) => !Number.isNaN(value));
  }

  async targets(): Promise<{ labels: Record<string, string>; health: string; lastError: string }[]> {
    return (await this.#get<{ activeTargets: Awaited<ReturnType<PrometheusClient['targets']>> }>('targets'))
      .activeTargets;
  }

  /** The names of all alerts that there are. */
  async alertNames(): Promise<string[]> {
    const { groups } = await this.#get<{ groups: { rules: { type: string; name: string }[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules.filter(({ type }) => type === 'alerting').map(({ name }) => name));
  }

  /** The names of all metrics that any process tells, and what the rules record. */
  async metricNames(): Promise<Set<string>> {
    const { groups } = await this.#get<{ groups: { rules: { name: string }[] }[] }>('rules');
    const reported = Object.entries(await this.#get<Record<string, { type: string }[]>>('metadata'));
    // A histogram is listed under one name, and asked for by those of its parts.
    const names = reported.flatMap(([name, [about]]) =>
      about?.type === 'histogram' ? ['_bucket', '_count', '_sum'].map((part) => name + part) : [name],
    );
    return new Set([...names, ...groups.flatMap(({ rules }) => rules.map((rule) => rule.name)), ...OF_PROMETHEUS]);
  }

  /** The expressions of all rules. */
  async ruleExpressions(): Promise<string[]> {
    const { groups } = await this.#get<{ groups: { rules: { query: string }[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules.map(({ query }) => query));
  }

  /** The alerts that fire now, each with its labels. */
  async firing(): Promise<Record<string, string>[]> {
    const { alerts } = await this.#get<{ alerts: { state: string; labels: Record<string, string> }[] }>('alerts');
    return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels);
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`, { signal: AbortSignal.timeout(TIMEOUT) });
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error ?? response.status}`);
    return answer.data;
  }
}

export interface DashboardQuery {
  panel: string;
  expression: string;
}

interface Dashboard {
  templating: { list: { name: string; type: string; query: string }[] };
  panels: { title: string; targets: { expr: string }[] }[];
}

/** The queries of a dashboard; those with a variable once for each value that it can have now. */
export async function queriesOf(file: string, prometheus: PrometheusClient): Promise<DashboardQuery[]> {
  const { templating, panels } = JSON.parse(await readFile(file, 'utf8')) as Dashboard;
  let queries = panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ panel: title, expression: expr.replaceAll('$__rate_interval', '5m') })),
  );
  for (const { name, query } of templating.list.filter(({ type }) => type === 'query')) {
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
    const values = (await prometheus.query(`count by (${label}) (${metric})`)).map(
      ({ metric: labels }) => labels[label],
    );
    queries = queries.flatMap(({ panel, expression }) =>
      values.map((value) => ({ panel, expression: expression.replaceAll(`$${name}`, value ?? '') })),
    );
  }
  return queries;
}
