import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { repository } from './paths.ts';

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');

interface Pipeline {
  receivers: string[];
  processors: string[];
  exporters: string[];
}

const collector = parse(read('logs/collector.yml')) as Record<'receivers' | 'processors' | 'exporters', object> & {
  service: { pipelines: Record<string, Pipeline> };
};

describe('the collector of logs', () => {
  it('its pipeline -> takes each part that is configured, and none that is not', () => {
    const { logs } = collector.service.pipelines;
    for (const kind of ['receivers', 'processors', 'exporters'] as const) {
      expect(logs?.[kind].toSorted()).toEqual(Object.keys(collector[kind]).toSorted());
    }
  });

  it('what it reads out of a line -> our processes write it; the status, nginx', () => {
    const asked = new Set(
      Array.from(read('logs/collector.yml').matchAll(/\["line"\]\["(\w+)"\]/g), ([, name]) => name),
    );
    expect([...asked].toSorted()).toEqual(['level', 'requestId', 'status', 'traceId']);
    const [ours, nginx] = [read('common/src/logger/logger.ts'), read('nginx/nginx.conf.template')];
    for (const name of ['requestId', 'traceId', 'level']) expect(ours).toMatch(new RegExp(`^ {8}${name}: `, 'm'));
    for (const name of ['requestId', 'traceId', 'status']) expect(nginx).toContain(`"${name}":`);
  });

  it('Loki -> is what it sends to, with a time after which lines go', () => {
    const loki = parse(read('logs/loki.yml')) as {
      server: { http_listen_port: number };
      compactor: { retention_enabled: boolean; delete_request_store: string };
      limits_config: { retention_period: string };
    };
    expect(read('logs/collector.yml')).toContain(`endpoint: http://loki:${loki.server.http_listen_port}/otlp\n`);
    expect(loki.compactor).toMatchObject({ retention_enabled: true, delete_request_store: 'filesystem' });
    expect(loki.limits_config.retention_period).toBe('${LOKI_RETENTION_TIME}');
    expect(read('.env.example')).toMatch(/^LOKI_RETENTION_TIME=[1-9]\d*h$/m);
  });
});
