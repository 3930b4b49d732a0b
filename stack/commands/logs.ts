import type { Context } from '../context.ts';
import { StackError } from '../errors.ts';
import { lastLines, logFile } from '../log-files.ts';
import { followLogs, logNames } from '../log-follower.ts';
import { untilAskedToStop } from '../signals.ts';

const lineCount = 50;

/** Shows the last lines of the logs, and on request the next ones as well. */
export async function logs(names: string[], follow: boolean, { directory, output }: Context): Promise<number> {
  const known = logNames(directory);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown) throw new StackError(`there is no log of ${unknown}; there are: ${known.join(', ') || 'none yet'}`);
  const chosen = names.length > 0 ? names : known;
  const width = Math.max(0, ...chosen.map((name) => name.length));
  const show = (name: string, line: string) => {
    output.result(`${output.style('cyan', `${name.padEnd(width)} |`, process.stdout)} ${line}`);
  };
  const follower = follow ? followLogs(directory, chosen, show) : undefined;
  for (const name of chosen) lastLines(logFile(directory, name), lineCount).forEach((line) => show(name, line));
  if (!follower) return 0;
  await Promise.race([untilAskedToStop(), output.abandoned]);
  follower.stop();
  return 0;
}
