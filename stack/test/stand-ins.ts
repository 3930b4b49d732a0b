import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TIMEOUT } from '../../testing/src/time-limits.ts';
import { baseEnvironment } from '../environment.ts';
import { isListening, reservePorts, type ReservedPorts } from '../ports.ts';
import type { Program } from '../program.ts';

export interface StandIns {
  directory: string;
  ports: number[];
  /** A program of a stack that does nothing but run. */
  program(
    name: string,
    options?: Partial<Program> & { port?: number; behaviour?: 'fails' | 'deaf' | 'parent' },
  ): Program;
  /** What the programs wrote down, in order. */
  journal(): string[];
  dispose(): Promise<void>;
}

/** Programs that start fast, with a directory and ports of their own. */
export async function createStandIns(): Promise<StandIns> {
  const directory = mkdtempSync(path.join(tmpdir(), 'shop-stack-test-'));
  const reserved: ReservedPorts = await reservePorts(8);
  const journal = path.join(directory, 'journal');
  let used = 0;
  return {
    directory,
    ports: reserved.ports,
    program(name, { port = reserved.ports[used++] ?? 0, behaviour = '', ...rest } = {}) {
      return {
        kind: 'program',
        name,
        needs: [],
        ports: [{ port, variable: `${name.toUpperCase()}_PORT` }],
        stopSignal: 'SIGTERM',
        stopTimeoutMs: 5_000,
        command: () => ({
          argv: [
            process.execPath,
            path.join(import.meta.dirname, 'stand-in.ts'),
            name,
            String(port),
            journal,
            behaviour,
          ],
          environment: baseEnvironment(),
          directory,
        }),
        isReady: () => isListening(port),
        ...rest,
      };
    },
    journal: () => readFileSync(journal, 'utf8').trim().split('\n'),
    dispose: async () => {
      rmSync(directory, { recursive: true, force: true });
      await reserved.release();
    },
  };
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + TIMEOUT;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
