// Installing the programs that come from the system, for whoever starts everything as a plain user afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Context } from '../context.ts';
import { StackError } from '../errors.ts';
import { ensureInstalled, systemPrograms, type SystemProgram } from '../packages.ts';

/** Installs what `make up` would, or the programs named. Leaves nothing of root's in this folder. */
export async function packages(names: string[], { output }: Context): Promise<number> {
  const wanted = names.length > 0 ? names.map(programCalled) : systemPrograms.filter(({ testsOnly }) => !testsOnly);
  const installable = wanted.map(({ name }) => name).filter((name) => name !== 'adminer'); // unpacked by whoever uses it
  const logs = mkdtempSync(path.join(tmpdir(), 'shop-packages-'));
  await output.during('packages', () => ensureInstalled(installable, logs)); // the logs stay where this fails
  rmSync(logs, { recursive: true });
  output.result(`${installable.join(', ')}: installed`);
  return 0;
}

function programCalled(name: string): SystemProgram {
  const found = systemPrograms.find((program) => program.name === name);
  if (!found) {
    const known = systemPrograms.map((program) => program.name).join(', ');
    throw new StackError(`there is no program ${name}; there are ${known}`);
  }
  return found;
}
