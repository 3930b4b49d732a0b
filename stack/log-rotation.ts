// Bounds the logs of a stack while it runs: programs that run for long write for long.
import { logFile, rotateLog } from './log-files.ts';
import { logNames } from './log-follower.ts';

const lookEveryMs = 60_000;

/** Looks at every log of a stack from now on, until the function that it gives is called. */
export function rotateLogsRegularly(directory: string): () => void {
  const timer = setInterval(() => {
    for (const name of logNames(directory)) rotateLog(logFile(directory, name));
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
