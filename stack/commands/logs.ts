import type { Context } from '../context.ts';
import { StackError } from '../errors.ts';
import { allLines, followLogs, lastLines, logFile, logNames } from '../log-files.ts';
import { belongsTo, lineShower, timeOf, type Followed } from '../log-lines.ts';
import { untilAskedToStop } from '../signals.ts';

const lineCount = 50;

export interface LogsWanted {
  /** The programs; none: all. */
  names: string[];
  /** Also the lines that are still to come. */
  follow: boolean;
  /** As they were written. A pipe gets them so anyhow. */
  json: boolean;
  /** Only the lines of this request, of all the time that there are logs of, in order. */
  of?: Followed | undefined;
}

/** Shows the last lines of the logs, or those of one request, and if wanted the next ones as well. */
export async function logs({ names, follow, json, of }: LogsWanted, { directory, output }: Context): Promise<number> {
  const known = logNames(directory);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown) throw new StackError(`there is no log of ${unknown}; there are: ${known.join(', ') || 'none yet'}`);
  const chosen = names.length > 0 ? names : known;
  const width = Math.max(0, ...chosen.map((name) => name.length));
  const show = lineShower(output, { json, width });
  const showNext = (name: string, line: string) => {
    if (of === undefined || belongsTo(line, of)) show({ name, line });
  };
  const stopFollowing = follow ? followLogs(directory, chosen, showNext) : undefined;
  const lines = chosen.flatMap((name) => {
    const file = logFile(directory, name);
    const ofLog = of === undefined ? lastLines(file, lineCount) : allLines(file).filter((line) => belongsTo(line, of));
    return ofLog.map((line) => ({ name, line }));
  });
  if (of !== undefined) lines.sort((a, b) => timeOf(a.line) - timeOf(b.line));
  lines.forEach(show);
  if (!stopFollowing) {
    if (of !== undefined && lines.length === 0) throw new StackError(`no log has a line with the ${of.field} ${of.id}`);
    return 0;
  }
  await Promise.race([untilAskedToStop(), output.abandoned]);
  stopFollowing();
  return 0;
}
