// What people read about a run.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Violation } from './violations.ts';
import type { RoundResult } from './run.ts';

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;

/** A round in one line. */
export function roundLine(round: number, result: RoundResult): string {
  const { seed, kills, scenarios, acknowledged, chaosTime, settlingTime, violations } = result;
  const named = kills.filter(({ point }) => point !== 'random');
  const missed = named.filter(({ isReached }) => !isReached).length;
  const verdict = violations.length === 0 ? 'kept' : `${violations.length} VIOLATION(S)`;
  return (
    `round ${round} (seed ${seed}): ${verdict}; ${kills.length} kills in ${seconds(chaosTime)}, ` +
    `${named.length} at named points${missed > 0 ? `, ${missed} of them missed` : ''}; ${scenarios} scenarios, ` +
    `${acknowledged.length} acknowledged writes; at rest after ${seconds(settlingTime)}`
  );
}

/** How often each point was reached, as a table. */
export function pointTable(results: readonly RoundResult[]): string[] {
  const kills = results.flatMap((result) => result.kills);
  const counts = [...Map.groupBy(kills, ({ point, victim }) => `${point.padEnd(24)} ${victim}`)]
    .map(([name, group]) => ({ name, reached: group.filter(({ isReached }) => isReached).length, all: group.length }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return [
    `${'POINT'.padEnd(24)} ${'KILLED'.padEnd(18)} REACHED`,
    ...counts.map(({ name, reached, all }) => `${name.padEnd(43)} ${reached} of ${all}`),
  ];
}

export function violationLines(violations: readonly Violation[]): string[] {
  return violations.map(({ rule, what }) => `${rule}: ${what}`);
}

/** Everything about a round, for whoever looks for the cause. */
export function writeRound(directory: string, round: number, result: RoundResult): void {
  const lines = [
    roundLine(round, result),
    '',
    ...violationLines(result.violations),
    '',
    'KILLS',
    ...result.kills.map(
      ({ at, victim, point, evidence, isReached }) =>
        `${seconds(at).padStart(8)} ${victim.padEnd(18)} ${point}${isReached ? '' : ' (missed)'}${evidence && `: ${evidence}`}`,
    ),
    '',
    'PROCESSES',
    ...result.events,
    '',
    'ANSWERS',
    ...[...result.answers]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([what, times]) => `${times} x ${what}`),
  ];
  writeFileSync(path.join(directory, `round-${round}.txt`), `${lines.join('\n')}\n`);
}
