// Says in one line why something failed and what helps; below it stands the end of what it wrote.
import { isDiskFull } from './disk-room.ts';
import { lastLines } from './log-files.ts';

export interface Failure {
  /** What failed, such as `rabbitmq did not start`. */
  what: string;
  /** How it ended, such as `exit code 1`; undefined where it did not. */
  ending: string | undefined;
  log: string;
  /** Where the lines of this try begin in the log. */
  logStart: number;
  /** Of the stack. */
  directory: string;
  shownLines: number;
}

interface Diagnosis {
  reason: string;
  remedy?: string;
}

/** What programs say in many words, each in its own. */
const known: [sign: RegExp, diagnosis: Diagnosis][] = [
  [
    /no space left on device|\benospc\b|disk quota exceeded/i,
    { reason: 'the disk is full', remedy: 'free some space and try again' },
  ],
  [
    /too many open files|\bemfile\b|insufficient file descriptors/i,
    { reason: 'too many files are open', remedy: 'raise the limit in this shell, such as with `ulimit -n 4096`' },
  ],
  [
    /failed to create (a )?thread|could not fork|cannot fork|pthread_create|resource temporarily unavailable|\beagain\b/i,
    { reason: 'too many processes or threads run', remedy: 'end some, or raise the limit (`ulimit -u`)' },
  ],
  [
    /cannot allocate memory|out of memory|\benomem\b|could not map anonymous shared memory/i,
    { reason: 'memory is short', remedy: 'end other programs and try again' },
  ],
  [
    /address already in use|\beaddrinuse\b/i,
    { reason: 'a port is taken', remedy: 'run `make doctor`, which names it and its holder' },
  ],
  [
    /permission denied|\beacces\b|operation not permitted|\beperm\b/i,
    { reason: 'permission denied', remedy: 'look below for what; files of another user can be given away with chown' },
  ],
];

const shownOfLine = 300;

/** The failure in one line, and the end of the log below it. */
export function describeFailure(failure: Failure): string {
  const { what, ending, log, logStart, shownLines } = failure;
  const lines = lastLines(log, Number.POSITIVE_INFINITY, logStart);
  const { reason, remedy } = diagnose(lines, failure);
  const headline = [`${what}${ending === undefined ? '' : ` (${ending})`}`, reason].join(': ');
  const shown = lines.slice(-shownLines);
  if (shown.length === 0) return [headline, remedy ?? `it wrote nothing into ${log}`].join('; ');
  const heading = [headline, ...(remedy === undefined ? [] : [remedy])].join('; ');
  return [heading, `${log} ends with:`, ...shown.map((line) => `  ${line}`)].join('\n');
}

function diagnose(lines: string[], { ending, directory }: Failure): Diagnosis {
  if (isDiskFull(directory))
    return { reason: 'the disk is full', remedy: `free some space below ${directory} and try again` };
  const faults = lines.filter((line) => line.startsWith('settings: '));
  if (faults.length > 0) return { reason: faults.join('; '), remedy: 'mend it in .env' };
  const text = [...lines, ending ?? ''].join('\n');
  for (const [sign, diagnosis] of known) if (sign.test(text)) return diagnosis;
  if (ending === 'SIGKILL')
    return { reason: 'it was killed', remedy: 'where memory is short the kernel does so: see `dmesg`' };
  const complaint = lines.findLast((line) => /\b(fatal|panic|emerg|error|failed)\b/i.test(line)) ?? lines.at(-1);
  if (ending?.includes('ENOENT')) return { reason: 'there is no such program', remedy: 'run `make doctor`' };
  return { reason: complaint === undefined ? 'no reason given' : reasonIn(complaint) };
}

/** Of a line of JSON what it says, of another one all. */
function reasonIn(line: string): string {
  try {
    const { message, err } = JSON.parse(line) as { message?: string; err?: { message?: string } };
    return [message, err?.message]
      .filter((part) => part !== undefined)
      .join(': ')
      .slice(0, shownOfLine);
  } catch {
    return line.trim().slice(0, shownOfLine);
  }
}
