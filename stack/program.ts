// The parts that a stack is made of: programs that run, and tasks that come to an end.

export interface PortClaim {
  port: number;
  /** The address that it is bound to; loopback unless set otherwise. */
  host?: string;
  /** The setting that moves it. */
  variable: string;
}

export interface Command {
  argv: [string, ...string[]];
  /** The whole environment of the process. */
  environment: Record<string, string>;
  directory: string;
  /** Whom it runs as, where root starts it; root itself unless set otherwise. */
  uid?: number | undefined;
  gid?: number | undefined;
  /** What of root's rights it needs, where root starts it: capabilities(7), in small letters and without `cap_`. */
  capabilities?: string[];
  /** It runs from this folder, which its user may not get to; whoever carries out the check well does. */
  workingCopy?: { folder: string; check: [string, ...string[]] };
}

export interface Program {
  kind: 'program';
  name: string;
  /** Names of the parts that must be ready before this one starts, and that stop after it. */
  needs: string[];
  ports: PortClaim[];
  /** It is not started with the stack, but when somebody asks for it (control.ts). */
  onRequest?: boolean;
  stopSignal: NodeJS.Signals;
  stopTimeoutMs: number;
  /** Writes the files that the program needs. */
  prepare?(): Promise<void>;
  command(): Command;
  /** Asked until it says yes; throws when it never will. */
  isReady(): Promise<boolean>;
  /** What others rely on and only the running program can make, such as databases. */
  afterReady?(): Promise<void>;
  /** The disk is full from now on, or has room again; called once with what it is at the start, too. */
  onDisk?(isFull: boolean): void;
}

export interface Task {
  kind: 'task';
  name: string;
  needs: string[];
  run(signal: AbortSignal): Promise<void>;
}

export type Part = Program | Task;

/**
 * Visits each part once everything it comes after has been visited, as much in parallel as that allows.
 * What comes after a failed part is not visited. Settles when no visit is under way any more.
 */
export async function visitInOrder<P extends Part>(
  parts: readonly P[],
  comesAfter: (part: P) => string[],
  visit: (part: P) => Promise<void>,
): Promise<void> {
  const byName = new Map(parts.map((part) => [part.name, part]));
  const visits = new Map<string, Promise<void>>();
  const start = (part: P): Promise<void> => {
    let visited = visits.get(part.name);
    if (!visited) {
      const earlier = comesAfter(part).map((name) => {
        const found = byName.get(name);
        if (!found) throw new Error(`${part.name} needs ${name}, which is not part of the stack`);
        return start(found);
      });
      visited = Promise.all(earlier).then(() => visit(part));
      visits.set(part.name, visited);
    }
    return visited;
  };
  const results = await Promise.allSettled(parts.map(start));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** The parts with these names, and everything they need. */
export function selectParts(parts: readonly Part[], names: string[]): Part[] {
  const selected = new Set<string>();
  const add = (name: string): void => {
    if (selected.has(name)) return;
    selected.add(name);
    parts.find((part) => part.name === name)?.needs.forEach(add);
  };
  names.forEach(add);
  return parts.filter((part) => selected.has(part.name));
}

export function dependentsOf(parts: readonly Part[], name: string): string[] {
  return parts.filter((part) => part.needs.includes(name)).map((part) => part.name);
}
