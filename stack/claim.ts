// Locks between processes that need no cleaning up: the kernel frees a socket's name when its holder dies, however it dies.
import { createHash } from 'node:crypto';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from './errors.ts';

export interface Claim {
  release(): Promise<void>;
}

/** Claims a name on this machine, in Linux's abstract socket namespace; undefined when another process holds it. */
export function claim(name: string): Promise<Claim | undefined> {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32);
  const server = net.createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (hasCode(error, 'EADDRINUSE')) resolve(undefined);
      else reject(error);
    });
    server.listen({ path: `\0shop-stack-${hash}` }, () => {
      server.unref();
      resolve({ release: () => new Promise((released) => server.close(() => released())) });
    });
  });
}

/** Does the work while holding the name, after waiting for its turn. */
export async function withClaim<T>(name: string, work: () => Promise<T>): Promise<T> {
  let held = await claim(name);
  while (!held) {
    await delay(100);
    held = await claim(name);
  }
  try {
    return await work();
  } finally {
    await held.release();
  }
}
