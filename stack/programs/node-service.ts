// One of the project's own processes: the compiled main.ts of a workspace.
import path from 'node:path';
import { repository } from '../paths.ts';
import type { Program } from '../program.ts';
import { reachableHost } from '../settings.ts';

export interface NodeServiceOptions {
  /** The name of its workspace. */
  name: string;
  /** Where it lives; the workspace's folder unless told otherwise. */
  directory?: string;
  host: string;
  port: number;
  portVariable: string;
  needs: string[];
  environment: Record<string, string>;
  /** What changes in it, asked each time it starts. */
  changes?: (() => Record<string, string>) | undefined;
}

export function nodeService(options: NodeServiceOptions): Program {
  const { name, port, portVariable, needs, environment, changes } = options;
  const host = reachableHost(options.host);
  return {
    kind: 'program',
    name,
    needs,
    ports: [{ port, variable: portVariable, host: options.host }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 35_000, // it may take 30 s to finish the requests under way
    command: () => ({
      // A bound on the heap: on a machine with much memory V8 lets garbage pile up instead of collecting it.
      argv: [process.execPath, '--enable-source-maps', '--max-old-space-size=256', 'dist/main.js'],
      environment: { ...environment, ...changes?.() },
      directory: options.directory ?? path.join(repository, name),
    }),
    isReady: () => answersOk(`http://${host}:${port}/ready`),
  };
}

/** Whether there is an answer, and it is a good one. */
export async function answersOk(url: string, authorization?: string): Promise<boolean> {
  try {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // not there yet; the supervisor's deadline ends this
  }
}
