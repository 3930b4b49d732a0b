import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const compose = read('docker-compose.yml');

interface Dashboard {
  uid: string;
  title: string;
  panels: { id: number; title: string; targets: { expr: string }[] }[];
}

const dashboards = readdirSync(path.join(repository, 'grafana/dashboards')).map((file) => ({
  file,
  text: read(`grafana/dashboards/${file}`),
  dashboard: JSON.parse(read(`grafana/dashboards/${file}`)) as Dashboard,
}));
const dataSources = readdirSync(path.join(repository, 'grafana/provisioning/datasources'))
  .map((file) => read(`grafana/provisioning/datasources/${file}`))
  .flatMap((text) => text.split(/^ {2}- /m).slice(1))
  .map((text) => ({
    uid: /^ *uid: (\S+)/m.exec(text)?.[1],
    url: /^ *url: (\S+)/m.exec(text)?.[1],
    isDefault: /^ *isDefault: true/m.test(text),
  }));
const repeated = <T>(values: readonly T[]): T[] => values.filter((value, i) => values.indexOf(value) !== i);

describe('Grafana', () => {
  it('its dashboards -> each under a uid of its own, that of its file', () => {
    expect(dashboards.length).toBeGreaterThan(3);
    expect(dashboards.map(({ dashboard }) => `${dashboard.uid}.json`)).toEqual(dashboards.map(({ file }) => file));
    expect(repeated(dashboards.map(({ dashboard }) => dashboard.title))).toEqual([]);
  });

  it.each(dashboards)(
    '$file -> panels with ids of their own, a title and a query each',
    ({ dashboard: { panels } }) => {
      expect(repeated(panels.map(({ id }) => id))).toEqual([]);
      expect(panels.filter(({ title, targets }) => !title || !targets.every(({ expr }) => expr))).toEqual([]);
    },
  );

  it('its data sources -> one is the default, and each is a service at a port that docker-compose.yml knows', () => {
    expect(dataSources.filter(({ isDefault }) => isDefault).map(({ uid }) => uid)).toEqual(['prometheus']);
    expect(repeated(dataSources.map(({ uid }) => uid))).toEqual([]);
    for (const { url = '' } of dataSources) {
      const { hostname, port } = new URL(url);
      const service = compose.split(`\n  ${hostname}:`)[1]?.split(/\n {2}\S/)[0];
      expect(service).toContain(`:${port}']`);
    }
  });

  it.each(dashboards)('$file -> asks only data sources that there are', ({ text }) => {
    const asked = [...text.matchAll(/"datasource":\s*(?:"([^"]*)"|\{[^}]*"uid":\s*"([^"]*)")/g)].map(
      ([, byName, byUid]) => byUid ?? byName,
    );
    const known = dataSources.map(({ uid }) => uid);
    expect(asked.filter((uid) => !known.includes(uid))).toEqual([]);
  });

  it('its folders -> mounted where it looks for them', () => {
    const provider = /path: ([^ }]+)/.exec(read('grafana/provisioning/dashboards/dashboards.yml'))?.[1];
    expect(provider).toBeDefined();
    expect(compose).toContain(`- ./grafana/dashboards:${provider}:ro`);
    expect(compose).toContain('- ./grafana/provisioning:/etc/grafana/provisioning:ro');
  });
});
