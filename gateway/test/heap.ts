import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are in use once the garbage is collected. */
export function heap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
