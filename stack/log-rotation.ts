// Bounds the logs of a stack while it runs: programs that run for long write for long.
import { messageOf } from './errors.ts';
import { logFile, rotateLog } from './log-files.ts';
import { logNames } from './log-follower.ts';

const lookEveryMs = 60_000;

/** Looks at every log of a stack from now on, until the function that it gives is called. */
export function rotateLogsRegularly(directory: string, onFault: (line: string) => void): () => void {
  const timer = setInterval(() => {
    for (const name of logNames(directory)) {
      try {
        rotateLog(logFile(directory, name));
      } catch (error) {
        onFault(`the log of ${name} could not be shortened: ${messageOf(error)}`);
      }
    }
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
