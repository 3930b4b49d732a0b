// Generates and compiles what the programs need, unless nothing has changed since that was done last.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withClaim } from './claim.ts';
import { baseEnvironment } from './environment.ts';
import { repository } from './paths.ts';
import { runCommand } from './run-command.ts';
import { serviceWorkspaces } from './workspaces.ts';

const workspaces = ['common', 'testing', ...serviceWorkspaces.map(({ name }) => name)];
const madeFolders = new Set(['dist', 'generated', 'node_modules']);
const sharedFiles = ['package.json', 'package-lock.json', 'tsconfig.base.json'];

interface Step {
  name: string;
  command: [string, ...string[]];
  /** Whether the step's result depends on a file. */
  reads: (file: string) => boolean;
  /** What the folders are called that it makes. */
  makes: string;
}

/** What a step has done: it need not be done again while this still holds. */
interface Stamp {
  fingerprint: string;
  folders: string[];
}

export const steps: Step[] = [
  {
    name: 'generate',
    command: ['npm', 'run', 'generate'],
    reads: (file) =>
      /\.(prisma|graphql)$|\/prisma\.config\.ts$|\/generate\/|(package(-lock)?|\/openapi)\.json$/.test(file),
    makes: 'generated',
  },
  {
    name: 'compile', // tests are left to `npm run build`
    command: [
      process.execPath,
      'node_modules/typescript/bin/tsc',
      '-b',
      ...workspaces.map((workspace) => `${workspace}/tsconfig.build.json`),
    ],
    reads: (file) => !/\.test\.ts$|\/test\//.test(file),
    makes: 'dist',
  },
];

/** Brings generated code and compiled programs up to date. Two at once take turns. */
export async function ensureBuilt(directory: string, signal?: AbortSignal): Promise<void> {
  await withClaim(`build of ${repository}`, async () => {
    for (const step of steps) {
      signal?.throwIfAborted();
      const stampFile = path.join(repository, 'node_modules/.cache/stack', `${step.name}.json`);
      const fingerprint = fingerprintFiles(repository, step.reads);
      if (isDone(stampFile, fingerprint)) continue;
      await runCommand(step.command, {
        directory,
        log: step.name,
        shownLines: 40,
        workingDirectory: repository,
        environment: baseEnvironment(),
        signal,
      });
      // The fingerprint is from before: what changed meanwhile is built the next time.
      const stamp: Stamp = { fingerprint, folders: foldersCalled(step.makes) };
      mkdirSync(path.dirname(stampFile), { recursive: true });
      writeFileSync(stampFile, JSON.stringify(stamp));
    }
  });
}

function isDone(stampFile: string, fingerprint: string): boolean {
  if (!existsSync(stampFile)) return false;
  const stamp = JSON.parse(readFileSync(stampFile, 'utf8')) as Stamp; // written above
  return stamp.fingerprint === fingerprint && stamp.folders.every((folder) => existsSync(folder));
}

function foldersCalled(name: string): string[] {
  const parents = workspaces.flatMap((workspace) => ['', 'src', 'test'].map((folder) => path.join(workspace, folder)));
  return parents.map((parent) => path.join(repository, parent, name)).filter((folder) => existsSync(folder));
}

/** Changes with the name, size and time of any file of the workspaces that counts. */
export function fingerprintFiles(root: string, counts: (file: string) => boolean): string {
  const hash = createHash('sha256');
  const add = (name: string) => {
    const file = path.join(root, name);
    if (!existsSync(file)) return;
    if (statSync(file).isDirectory()) {
      const names = readdirSync(file).filter((entry) => !madeFolders.has(entry));
      for (const entry of names.toSorted()) add(path.join(name, entry));
    } else if (counts(name)) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${name} ${size} ${mtimeMs}\n`);
    }
  };
  for (const name of [...sharedFiles, ...workspaces]) add(name);
  return hash.digest('hex');
}
