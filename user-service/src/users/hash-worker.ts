import os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import bcrypt from 'bcrypt';
import { z } from 'zod';
import type { HashTask, HashThreadData } from './hash-threads.js';

const hashThreadData: z.ZodType<HashThreadData> = z.object({ priority: z.int() });

const { priority } = hashThreadData.parse(workerData);
// On Linux priorities are a thread's own, and 0 is the thread that asks; elsewhere it would be the whole process.
if (os.platform() === 'linux') os.setPriority(0, priority);

parentPort?.on('message', ({ password, cost, hash }: HashTask) => {
  const result = hash === undefined ? bcrypt.hashSync(password, cost) : bcrypt.compareSync(password, hash);
  parentPort?.postMessage(result);
});
