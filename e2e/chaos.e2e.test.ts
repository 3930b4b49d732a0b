import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newTestDirectory } from '../stack/test-directories.ts';
import { readLedger } from './chaos/ledger.ts';
import { checkInvariants } from './chaos/invariants.ts';
import type { Violation } from './chaos/violations.ts';
import { runChaos, type RoundResult } from './chaos/run.ts';
import type { ChaosSystem } from './chaos/system.ts';

const directory = newTestDirectory();
let results: RoundResult[] = [];
/** What the invariant check says once the databases were falsified. */
let afterFalsification: Violation[] = [];

async function falsify(system: ChaosSystem): Promise<void> {
  await system.query('payment', 'DELETE FROM simulated_provider.charges');
  await system.query('payment', 'DELETE FROM inbox');
}

/** The short form of `make test-chaos`: a few kills of every kind, with a system of its own. */
describe('processes are killed while orders are placed, paid, refunded and cancelled', () => {
  beforeAll(async () => {
    const rounds = 2;
    let begunAt: RoundResult['since'] | undefined; // the provider is switched on the way: not every round charges at the simulated one
    const seed = 100_346; // kills services, a database and the broker, at four named points
    results = await runChaos({
      rounds,
      seed,
      killsPerRow: 2,
      paymentWindow: 8,
      directory,
      reportDirectory: `${directory}/report`,
      progress: () => undefined,
      async afterRound(round, system) {
        begunAt ??= round.since;
        if (round.seed < seed + rounds - 1) return;
        await falsify(system);
        afterFalsification = checkInvariants(await readLedger(system, begunAt), round.acknowledged);
      },
    });
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('once all is quiet -> nothing is lost, nothing happened twice, and the ledgers balance', () => {
    expect(results.flatMap(({ violations }) => violations)).toEqual([]);
    expect(results.map(({ kills }) => kills.length)).toEqual([4, 4]);
    for (const { acknowledged } of results) expect(acknowledged.length).toBeGreaterThan(10);
  });

  it('the databases are falsified -> the check finds it', () => {
    expect(new Set(afterFalsification.map(({ rule }) => rule))).toEqual(
      new Set(["the provider's ledger is ours", 'every event has its effect']),
    );
  });
});
