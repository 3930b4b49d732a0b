// The crash matrix: rounds of kills under load, each checked once the system has come to rest.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readLedger } from './ledger.ts';
import { killAtPoint, PointMissed } from './crash-points.ts';
import { Choices } from './choices.ts';
import { Shop, type Account } from './customer.ts';
import { Journal, type Acknowledged } from './journal.ts';
import { checkInvariants } from './invariants.ts';
import type { Violation } from './violations.ts';
import { planRound, type Kill } from './plan.ts';
import { queueDepths, settle } from './settle.ts';
import { Workload } from './scenarios.ts';
import { ChaosSystem } from './system.ts';

export interface ChaosOptions {
  rounds: number;
  /** Of the first round; each further one has the next. */
  seed: number;
  /** Of the system under test: data and logs. */
  directory: string;
  /** Holds the report, and the journal of what was acknowledged. */
  reportDirectory: string;
  progress: (line: string) => void;
  /** Kills in each of the two rows; all there are unless set otherwise. */
  killsPerRow?: number;
  /** Seconds for which an order can be paid: none is at rest before that, unless it is paid or cancelled. */
  paymentWindow?: number;
  /** Ends the run, and the system with it: rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called after each round, with the system at rest. */
  afterRound?: (round: RoundResult, system: ChaosSystem) => Promise<void>;
}

export interface DoneKill extends Kill {
  /** Milliseconds after the start of the round. */
  at: number;
  /** What proves that the point was reached, or why it was not. */
  evidence: string;
  isReached: boolean;
}

export interface RoundResult {
  seed: number;
  /** Everything of this round was made since then. */
  since: Date;
  kills: DoneKill[];
  /** Everything that happened to processes, with the time. */
  events: string[];
  scenarios: number;
  acknowledged: readonly Acknowledged[];
  answers: ReadonlyMap<string, number>;
  /** Milliseconds. */
  chaosTime: number;
  settlingTime: number;
  violations: Violation[];
}

const players = 8;
const pauseBetweenScenarios = 150;
const customersPerRound = 5;
const settleTimeout = 180_000;
const scenariosGrace = 20_000;

/** Runs the rounds, and stops after one that broke a promise. */
export async function runChaos(options: ChaosOptions): Promise<RoundResult[]> {
  const events: string[] = [];
  const system = await ChaosSystem.start({
    directory: options.directory,
    paymentWindow: options.paymentWindow ?? 12,
    note: (line) => events.push(`${new Date().toISOString()} ${line}`),
    progress: options.progress,
  });
  mkdirSync(options.reportDirectory, { recursive: true }); // may lie in the directory, which the start makes
  try {
    return await Promise.race([runRounds(system, options, events), abortOf(options.signal)]);
  } finally {
    await system.stop();
  }
}

async function runRounds(system: ChaosSystem, options: ChaosOptions, events: string[]): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const result = await runRound(system, { ...options, seed: options.seed + round }, events);
    results.push(result);
    await options.afterRound?.(result, system);
    if (result.violations.length > 0) break;
  }
  return results;
}

/** Rejects once the signal aborts. */
const abortOf = (signal?: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

/** Stripe's times are whole seconds: what an earlier round did last must not look like this one's. */
async function nextSecond(): Promise<Date> {
  const second = (Math.floor(Date.now() / 1_000) + 1) * 1_000;
  await delay(second - Date.now());
  return new Date(second);
}

async function runRound(system: ChaosSystem, options: ChaosOptions, events: string[]): Promise<RoundResult> {
  const { seed, progress, reportDirectory, killsPerRow } = options;
  const since = await nextSecond();
  const firstEvent = events.length;
  const journal = new Journal(path.join(reportDirectory, 'acknowledged.jsonl'));
  const { customers, admin } = await openAccounts(system, journal, seed);
  const workload = new Workload({ system, journal, seed, customers, admin }, { players, pause: pauseBetweenScenarios });
  const startedAt = Date.now();
  const plan = planRound(seed, { killsPerRow });
  const kills: DoneKill[] = [];
  const total = plan.random.length + plan.named.length;
  const row = async (planned: readonly Kill[]) => {
    for (const kill of planned) {
      const done = await carryOut(system, kill, startedAt);
      kills.push(done);
      progress(`kill ${kills.length} of ${total}: ${done.victim}, ${done.point} (${workload.scenarios} scenarios)`);
    }
  };
  await Promise.all([row(plan.random), row(plan.named)]);
  await workload.end({ grace: scenariosGrace });
  const quietAt = Date.now();
  const open = await settle(system, { since, timeout: settleTimeout, progress });
  const settledAt = Date.now();
  const violations = checkInvariants(await readLedger(system, since), journal.acknowledged);
  const { deadLetters } = await queueDepths(system);
  if (deadLetters > 0) violations.push({ rule: 'dead letters are empty', what: `${deadLetters} dead letter(s)` });
  if (open !== undefined) violations.push({ rule: 'the system comes to rest', what: open });
  for (const fault of system.faults) violations.push({ rule: 'no process ends by itself', what: fault });
  return {
    seed,
    since,
    kills,
    events: events.slice(firstEvent),
    scenarios: workload.scenarios,
    acknowledged: journal.acknowledged,
    answers: journal.answers,
    chaosTime: quietAt - startedAt,
    settlingTime: settledAt - quietAt,
    violations,
  };
}

async function carryOut(system: ChaosSystem, kill: Kill, startedAt: number): Promise<DoneKill> {
  await delay(kill.pause);
  let evidence = '';
  let isReached = true;
  try {
    if (kill.point === 'random') await system.kill(kill.victim, kill);
    else evidence = await killAtPoint(system, kill.point, kill);
  } catch (error) {
    if (!(error instanceof PointMissed)) throw error;
    evidence = error.message;
    isReached = false;
  }
  return { ...kill, at: Date.now() - startedAt, evidence, isReached };
}

/** The round's own customers, before anything is killed. */
export async function openAccounts(
  system: ChaosSystem,
  journal: Journal,
  seed: number,
): Promise<{ customers: Account[]; admin: Account }> {
  const shop = (name: string) =>
    new Shop({
      urls: system.urls,
      journal,
      choices: new Choices(seed, name),
      scenario: `${seed}-${name}`,
      gaveUp: () => false,
    });
  const { ADMIN_EMAIL = '', ADMIN_PASSWORD = '' } = system.environment;
  const admin = await shop('admin').login(ADMIN_EMAIL, ADMIN_PASSWORD);
  const opened = await Promise.all(
    Array.from({ length: customersPerRound }, (_, index) => shop(`customer-${index}`).register()),
  );
  const customers = opened.filter((account) => account !== undefined);
  if (!admin || customers.length === 0) throw new Error('no accounts could be opened');
  return { customers, admin };
}
