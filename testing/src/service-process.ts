import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';

export interface ServiceProcess {
  url: string;
  /** Ends it as a crash would: nothing is finished, nothing said. */
  kill(): Promise<void>;
}

const listening = z.object({ message: z.literal('listening'), port: z.int() });

/** Starts a service from its source as a process of its own, with these settings, and waits until it listens. */
export async function startServiceProcess({
  directory,
  environment,
}: {
  directory: string;
  environment: Record<string, string>;
}): Promise<ServiceProcess> {
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', 'src/main.ts'], {
    cwd: directory,
    env: { PATH: process.env.PATH, LOG_LEVEL: 'info', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const start = listening.safeParse(parseLine(line));
    if (!start.success) continue;
    child.stdout.resume();
    return {
      url: `http://127.0.0.1:${start.data.port}`,
      kill: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }
  throw new Error(`the service did not start:\n${lines.join('\n')}`);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
