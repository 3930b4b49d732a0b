import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Context } from '../context.ts';
import { repository } from '../paths.ts';

interface LockedPackage {
  resolved?: string;
  link?: boolean;
  optionalDependencies?: Record<string, string>;
}

/** Whether `npm ci` will work elsewhere with this package-lock.json; 0 when it will. */
export function checkLock({ output }: Context): number {
  const lock = JSON.parse(readFileSync(path.join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const faults = lockFaults(lock.packages);
  for (const fault of faults) output.error(`package-lock.json: ${fault}`);
  if (faults.length === 0) output.progress('package-lock.json is complete and names no registry');
  return faults.length === 0 ? 0 : 1;
}

/** Registries at times lack a platform's package; npm then leaves it out of the lock, and `npm ci` refuses that. */
export function lockFaults(packages: Record<string, LockedPackage>): string[] {
  return Object.entries(packages).flatMap(([name, { resolved, link, optionalDependencies = {} }]) => {
    const absent = Object.keys(optionalDependencies).filter(
      (dependency) => !packages[`node_modules/${dependency}`] && !packages[`${name}/node_modules/${dependency}`],
    );
    const faults = absent.map((dependency) => `${name} lacks ${dependency}: use a version whose packages are complete`);
    if (resolved && !link) faults.push(`${name} names its registry: npm ci --omit-lockfile-registry-resolved`);
    return faults;
  });
}
