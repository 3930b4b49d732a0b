// Whether a stack's disk has room: what has crashed on a full one waits for some, and what can do without writing does.
import { statfsSync } from 'node:fs';

/** PostgreSQL needs 16 MB at once for its write-ahead log. */
const enoughBytes = 32 * 1024 * 1024;
const lookEveryMs = 250;

export function isDiskFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < enoughBytes;
}

/** Reports whether the disk is full, now and at each change, until the function that it gives is called. */
export function watchDisk(directory: string, onChange: (isFull: boolean) => void): () => void {
  let isFull: boolean | undefined;
  const look = () => {
    const was = isFull;
    isFull = isDiskFull(directory);
    if (isFull !== was) onChange(isFull);
  };
  look();
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
