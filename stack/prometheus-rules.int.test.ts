import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureInstalled } from './packages.ts';
import { repository } from './paths.ts';

const folder = path.join(repository, 'prometheus');
const rules = readFileSync(path.join(folder, 'alerts.rules.yml'), 'utf8');
const ruleTests = readFileSync(path.join(folder, 'tests/alerts.test.yml'), 'utf8');
const operations = readFileSync(path.join(repository, 'docs/operations.md'), 'utf8');
const configuration = readFileSync(path.join(folder, 'alertmanager.yml'), 'utf8');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
const scratch = mkdtempSync(path.join(tmpdir(), 'shop-rules-'));

const promtool = (args: string[], directory = folder) => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: directory, encoding: 'utf8' });
  return { status, output: stdout + stderr };
};

describe('the rules of Prometheus', () => {
  beforeAll(() => ensureInstalled(['prometheus'], path.join(repository, '.native')), 120_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('its configuration, with both files of rules -> valid', () => {
    expect(promtool(['check', 'config', 'prometheus.yml'])).toMatchObject({ status: 0 });
  });

  it('each alert under the fault that it is for, and without it -> fires, and is quiet', () => {
    const { status, output } = promtool(['test', 'rules', 'tests/alerts.test.yml']);
    expect([status, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('an alert that can not fire -> noticed by those tests', () => {
    const broken = rules.replace('refunds_failing > 0', 'refunds_failing > 1000');
    writeFileSync(path.join(scratch, 'alerts.rules.yml'), broken);
    writeFileSync(
      path.join(scratch, 'recording.rules.yml'),
      readFileSync(path.join(folder, 'recording.rules.yml'), 'utf8'),
    );
    writeFileSync(path.join(scratch, 'alerts.test.yml'), ruleTests.replaceAll('../', ''));
    const { status, output } = promtool(['test', 'rules', 'alerts.test.yml'], scratch);
    expect([status, output]).toEqual([1, expect.stringContaining('RefundFailing')]);
  });

  it.each(alerts)('%s -> has a test, a section in docs/operations.md, and says how bad it is', (alert) => {
    expect(ruleTests).toContain(`alertname: ${alert},`);
    expect(operations).toContain(`\n### ${alert}\n`);
    const rule = rules.split('- alert: ').find((text) => text.startsWith(`${alert}\n`));
    expect(rule).toMatch(/labels: \{ severity: (critical|warning) \}/);
    expect(rule).toContain(`runbook: docs/operations.md#${alert.toLowerCase()}\n`);
    expect(rule).toMatch(/summary: \S/);
  });
});

describe('the configuration of Alertmanager', () => {
  const amtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('amtool', args, { cwd: folder, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };
  beforeAll(() => ensureInstalled(['alertmanager'], path.join(repository, '.native')), 120_000);

  it('as shipped -> valid', () => {
    expect(amtool('check-config', 'alertmanager.yml')).toMatchObject({ status: 0 });
  });

  it.each([
    ['critical', 'on-call'],
    ['warning', 'team'],
  ])('an alert that is %s -> %s', (severity, receiver) => {
    const options = ['--config.file=alertmanager.yml', `--verify.receivers=${receiver}`];
    expect(amtool('config', 'routes', 'test', ...options, `severity=${severity}`)).toMatchObject({ status: 0 });
  });

  it('what it mutes, and by what -> alerts that there are', () => {
    const named = [...configuration.matchAll(/alertname=~?"([^"]+)"/g)].flatMap(([, names = '']) => names.split('|'));
    expect(alerts).toEqual(expect.arrayContaining(named));
    expect(named.length).toBeGreaterThan(3);
  });
});
