// One of the project's own processes: the compiled main.ts of a workspace.
import path from 'node:path';
import { dataFolder, prepareDataFolder } from '../data-folder.ts';
import { repository } from '../paths.ts';
import type { Command, Program } from '../program.ts';
import { firstOpenPort } from '../entry-point.ts';
import { reachableHost } from '../settings.ts';
import { ownFolder, serverAccount } from '../system-account.ts';

/**
 * Bounds on the heap: on a machine with much memory V8 lets garbage pile up instead of collecting it. After two quiet minutes
 * it would give all that it can back to the system, and the next burst would wait for a second until V8 is warm again.
 */
export const heapFlags = ['--max-old-space-size=256', '--max-semi-space-size=32', '--no-memory-reducer'];

export interface NodeServiceOptions {
  /** The name of its workspace. */
  name: string;
  /** Of the stack. */
  stackDirectory: string;
  host: string;
  port: number;
  portVariable: string;
  needs: string[];
  environment: Record<string, string>;
  /** What changes in it, asked each time it starts. */
  changes?: (() => Record<string, string>) | undefined;
}

export function nodeService(options: NodeServiceOptions): Program {
  const { name, stackDirectory, port, portVariable, needs, environment, changes } = options;
  const host = reachableHost(options.host);
  /** Its own, since whoever writes it decides what the service does; that of all stacks of the working copy, which run the same files. */
  const compileCache = path.join(dataFolder(), `compile-cache-${name}`);
  return {
    kind: 'program',
    name,
    needs,
    ports: [{ port, variable: portVariable, host: options.host }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 35_000, // it may take 30 s to finish the requests under way
    prepare() {
      prepareDataFolder();
      ownFolder(compileCache, serverAccount(name, stackDirectory));
      return Promise.resolve();
    },
    command: () => ({
      argv: [process.execPath, ...heapFlags, 'dist/main.js'],
      // What V8 has compiled of a thousand files is kept for the next start.
      environment: { ...environment, NODE_COMPILE_CACHE: compileCache, ...changes?.() },
      directory: path.join(repository, name),
      ...asServiceUser(name, stackDirectory),
      ...(port < firstOpenPort() && { capabilities: ['net_bind_service'] }),
    }),
    isReady: () => answersOk(`http://${host}:${port}/ready`),
  };
}

/** Whom code of a service runs as, where root starts it: a system user that can read nothing of the other services' processes. */
export function asServiceUser(name: string, stackDirectory: string): Pick<Command, 'uid' | 'gid' | 'workingCopy'> {
  const folders = [`${name}/dist`, 'common/dist', 'node_modules'].map((folder) => path.join(repository, folder));
  const unreadable = `find "$@" -maxdepth 2 -name '.?*' -prune -o ! -readable -print -quit`;
  const script = `unreadable=$(${unreadable}) && test -z "$unreadable" && "$0" --version`;
  return {
    ...serverAccount(name, stackDirectory),
    workingCopy: { folder: repository, check: ['sh', '-c', script, process.execPath, ...folders] },
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
