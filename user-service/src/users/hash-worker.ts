import os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { HashTask, HashThreadData } from './hash-threads.js';

const { priority } = workerData as HashThreadData;
// On Linux priorities are a thread's own, and 0 is the thread that asks; elsewhere it would be the whole process. A process
// may itself have a lower one (`nice`), and only root may raise that.
if (os.platform() === 'linux') os.setPriority(0, Math.max(priority, os.getPriority(0)));

// Only now: loading it is work, too.
const { default: bcrypt } = await import('bcrypt');

parentPort?.on('message', ({ password, cost, hash }: HashTask) => {
  const result = hash === undefined ? bcrypt.hashSync(password, cost) : bcrypt.compareSync(password, hash);
  parentPort?.postMessage(result);
});
