import { globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const compose = read('docker-compose.yml');

interface Panel {
  id: number;
  title: string;
  description?: string;
  datasource?: { uid: string };
  fieldConfig: { defaults: { unit?: string } };
  targets: { expr: string }[];
}

interface Dashboard {
  uid: string;
  title: string;
  editable: boolean;
  templating: { list: { name: string; label: string; type: string; query: string; refresh?: number }[] };
  panels: Panel[];
}

const dashboards = globSync('grafana/dashboards/**/*.json', { cwd: repository }).map((file) => ({
  file: path.basename(file),
  text: read(file),
  dashboard: JSON.parse(read(file)) as Dashboard,
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

  // Grafana's dashboard-linter, but for the rules that .lint excludes with a reason.
  it.each(dashboards)('$file -> keeps the rules of the dashboard-linter', ({ dashboard }) => {
    const { editable, templating, panels } = dashboard;
    const [dataSource, ...others] = templating.list;
    expect(dataSource).toMatchObject({ name: 'datasource', label: 'Data source', type: 'datasource' });
    expect(others.filter(({ refresh }) => refresh !== 2)).toEqual([]);
    expect(editable).toBe(false);
    const faults = panels.flatMap(({ title, description, datasource, fieldConfig, targets }) => [
      ...(description ? [] : [`${title}: no description`]),
      ...(datasource?.uid === '${datasource}' ? [] : [`${title}: another data source`]),
      ...(fieldConfig.defaults.unit ? [] : [`${title}: no unit`]),
      ...targets
        .filter(({ expr }) => /\brate\([^[]*\[(?!\$__rate_interval\])/.test(expr))
        .map(({ expr }) => `${title}: rate without $__rate_interval in ${expr}`),
    ]);
    expect(faults).toEqual([]);
  });

  it('its data sources -> one is the default, and each is a service of docker-compose.yml', () => {
    expect(dataSources.filter(({ isDefault }) => isDefault).map(({ uid }) => uid)).toEqual(['prometheus']);
    expect(repeated(dataSources.map(({ uid }) => uid))).toEqual([]);
    for (const { url = '' } of dataSources) {
      const { hostname, port } = new URL(url);
      const service = compose.split(`\n  ${hostname}:`)[1]?.split(/\n {2}\S/)[0] ?? '';
      const address = /ipv4_address: '([^']+)'/.exec(service)?.[1];
      if (address !== undefined) expect(compose).toContain(`GUARD_UPSTREAM: ${address}:${port}\n`);
      else expect(read('logs/loki.yml')).toContain(`http_listen_port: ${port},`); // without a page of its own
    }
  });

  it.each(dashboards)('$file -> asks only data sources that there are', ({ text }) => {
    const asked = [...text.matchAll(/"datasource":\s*(?:"([^"]*)"|\{[^}]*"uid":\s*"([^"]*)")/g)].map(
      ([, byName, byUid]) => byUid ?? byName,
    );
    const known = dataSources.map(({ uid }) => uid);
    expect(asked.filter((uid) => uid !== '${datasource}' && !known.includes(uid))).toEqual([]);
  });

  it('its folders -> mounted where it looks for them', () => {
    const provider = /path: ([^ }]+)/.exec(read('grafana/provisioning/dashboards/dashboards.yml'))?.[1];
    expect(provider).toBeDefined();
    expect(compose).toContain(`- ./grafana/dashboards:${provider}:ro`);
    expect(compose).toContain('- ./grafana/provisioning:/etc/grafana/provisioning:ro');
  });
});
