import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, TIMEOUT } from '@shop/testing';
import { runningDatabases } from '../stack/backup/connections.ts';
import { emptyQueues } from '../stack/backup/empty-queues.ts';
import type { Manifest } from '../stack/backup/manifest.ts';
import { restoreBackup } from '../stack/backup/restore-backup.ts';
import { writeBackup } from '../stack/backup/write-backup.ts';
import { repository } from '../stack/paths.ts';
import { parseSettings, type Settings } from '../stack/settings.ts';
import { newTestDirectory } from '../stack/test-directories.ts';
import { checkInvariants } from './chaos/invariants.ts';
import type { Violation } from './chaos/violations.ts';
import { Journal, type Acknowledged } from './chaos/journal.ts';
import { readLedger } from './chaos/ledger.ts';
import { openAccounts } from './chaos/run.ts';
import { Workload } from './chaos/scenarios.ts';
import { queueDepths, settle } from './chaos/settle.ts';
import { ChaosSystem } from './chaos/system.ts';

const seed = 4_711;
const directory = newTestDirectory();
const folder = path.join(directory, 'backup');

/** The settings of the system as its user has them: databases by their parts. */
function settingsOf({ environment }: ChaosSystem): Settings {
  const wholeUrls = ['USER_DATABASE_URL', 'ORDER_DATABASE_URL', 'PAYMENT_DATABASE_URL', 'RABBITMQ_URL'];
  const parts = Object.fromEntries(wholeUrls.map((name) => [name, '']));
  const example = readFileSync(path.join(repository, '.env.example'), 'utf8');
  return parseSettings([example], { ...environment, ...parts });
}

/** As `make republish` and `make reconcile` have it. Rejects with what it said unless it ended with 0. */
async function runTool(file: string, parameters: string[], environment: Record<string, string>): Promise<void> {
  const options = { cwd: repository, env: { ...process.env, ...environment, NODE_OPTIONS: '' } };
  await promisify(execFile)(process.execPath, [path.join(repository, file), ...parameters], options);
}

/** A backup is made while customers place, pay, refund and cancel orders; they go on, and then the databases are set back. */
describe('a restored system', () => {
  let system: ChaosSystem;
  let manifest: Manifest;
  let kept: Acknowledged[];
  let lost: Acknowledged[];
  let open: string | undefined;
  let violations: Violation[];
  const since = new Date();

  beforeAll(async () => {
    system = await ChaosSystem.start({ directory, paymentWindow: 6, note: () => undefined, progress: () => undefined });
    const journal = new Journal(path.join(directory, 'acknowledged.jsonl'));
    const { customers, admin } = await openAccounts(system, journal, seed);
    const load = new Workload({ system, journal, seed, customers, admin }, { players: 8, pause: 50 });
    const settings = settingsOf(system);
    const sources = await runningDatabases(settings);
    const { acknowledged } = journal;
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(60));
    manifest = await writeBackup(sources, folder);
    const taken = Math.min(...manifest.databases.map(({ takenAt }) => Date.parse(takenAt)));
    const acknowledgedSince = (time: number) => acknowledged.filter(({ at }) => Date.parse(at) >= time);
    await eventually(() => {
      expect(acknowledgedSince(taken + 1_000).length).toBeGreaterThan(5);
      expect(acknowledgedSince(taken + 1_000).map(({ kind }) => kind)).toContain('order');
    });
    await load.end({ grace: 5_000 });
    kept = acknowledged.filter(({ at }) => Date.parse(at) < taken);
    lost = acknowledgedSince(taken);

    await system.withoutServices(async () => {
      await restoreBackup({ sources, folder, settings, directory, replace: true });
      await emptyQueues(settings);
    });
    const services = ['user-service', 'order-service', 'payment-service'];
    await runTool('common/dist/messaging/republish-cli.js', [since.toISOString(), ...services], system.environment);
    open = await settle(system, { since, timeout: TIMEOUT, progress: () => undefined });
    violations = checkInvariants(await readLedger(system, since), kept);
  });

  afterAll(async () => {
    await system.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('-> has all that was acknowledged before the backup, and no promise is broken', () => {
    expect(violations).toEqual([]);
    expect(kept.length).toBeGreaterThan(20);
    expect(lost.length).toBeGreaterThan(5);
  });

  it('-> has none of what was written after it', async () => {
    expect(lost.filter(({ kind }) => kind === 'order').length).toBeGreaterThan(0);
    const taken = manifest.databases.find(({ name }) => name === 'order')?.takenAt;
    const late = `SELECT id FROM orders WHERE created_at > $1::timestamptz + interval '1 second'`;
    expect(await system.query('order', late, [taken])).toEqual([]);
  });

  it('-> comes to rest: nothing waits, nothing is dead-lettered', async () => {
    expect(open).toBeUndefined();
    expect(await queueDepths(system)).toEqual({ waiting: 0, deadLetters: 0 });
    expect(system.faults).toEqual([]);
  });

  it('-> reconcile finds no difference to the provider’s ledger', async () => {
    await expect(runTool('payment-service/dist/reconcile.js', [], system.environment)).resolves.toBeUndefined();
  });
});
