// The goals that a run is measured by, and which of them it misses.
import { median, milliseconds } from '../statistics.ts';
import { microsecondsOf, ratiosOf } from './costs.ts';
import type { AtHalf } from './half-the-peak.ts';
import { markdownTable, megabytes, percent, whole } from './markdown.ts';
import type { Measured } from './measure.ts';
import type { Run } from './report.ts';
import type { ProcessName } from './system.ts';
import type { UnderLoad } from './under-load.ts';

/** Bytes of a process that nobody has asked anything. */
export const memoryGoalOf = (name: ProcessName): number => (name === 'gateway' ? 130 : 140) * 2 ** 20;
/** Milliseconds. */
export const startGoal = 1_000;
/** How many times the median the slowest of a hundred may take. */
export const tailGoal = 10;
/** Part of the peak that is still answered when much more is asked for. */
export const goodputGoal = 0.8;
/** How many times what /health takes. */
export const refusalGoal = 1.5;

export interface Outcome {
  what: string;
  measured: string;
  goal: string;
  isMet: boolean;
}

type GoalsOf = Pick<Run, 'measured' | 'memory' | 'load' | 'halves' | 'starts'>;

const atMost = (what: string, value: number, goal: number, show: (value: number) => string): Outcome => ({
  what,
  measured: show(value),
  goal: `<= ${show(goal)}`,
  isMet: value <= goal,
});

export const tailOf = ({ result: { times } }: AtHalf): number => times.p99 / times.p50;

/** How many times what /health takes a refusal takes. */
export const refusalRatioOf = ({ costs }: Pick<UnderLoad, 'costs'>): number => costs.refusal / costs.health;

function costOutcomes(one: Measured): Outcome[] {
  const { name, goal } = one.workload;
  if (goal === undefined) return [];
  if ('microseconds' in goal)
    return [atMost(name, median(microsecondsOf(one)), goal.microseconds, (value) => `${whole(value)} us`)];
  return [atMost(`${name}, over its floor`, median(ratiosOf(one)), goal.ratio, (value) => value.toFixed(2))];
}

/** What is known of each goal. */
export function outcomesOf({ measured, memory, load, halves, starts }: GoalsOf): Outcome[] {
  const goodput = load.overload.succeeded / load.peak.succeeded;
  return [
    ...measured.flatMap(costOutcomes),
    ...halves.map((half) =>
      atMost(`${half.name}, at half the peak: 99 % over 50 %`, tailOf(half), tailGoal, (value) => value.toFixed(1)),
    ),
    {
      what: `${load.name}, three times the peak: of the peak`,
      measured: percent(goodput),
      goal: `>= ${percent(goodputGoal)}`,
      isMet: goodput >= goodputGoal,
    },
    atMost('a refusal, over /health', refusalRatioOf(load), refusalGoal, (value) => value.toFixed(2)),
    ...(Object.keys(memory.before) as ProcessName[]).map((name) =>
      atMost(
        `${name}, memory at rest`,
        memory.before[name]?.proportional ?? NaN,
        memoryGoalOf(name),
        (bytes) => `${megabytes(bytes)} MB`,
      ),
    ),
    ...starts.map((start) => atMost(`${start.name}, until ready`, start.milliseconds, startGoal, milliseconds)),
  ];
}

/** How many are met, and each that is not. */
export function goalsText(run: GoalsOf): string {
  const outcomes = outcomesOf(run);
  const missed = outcomes.filter(({ isMet }) => !isMet);
  const met = `${outcomes.length - missed.length} of ${outcomes.length} are met.`;
  if (missed.length === 0) return met;
  return `${met} Missed:

${markdownTable([['', 'measured', 'goal'], ...missed.map(({ what, measured, goal }) => [what, measured, goal])])}`;
}
