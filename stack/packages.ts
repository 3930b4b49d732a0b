// The programs that come from the system: which are missing, and their installation where that is possible.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withClaim } from './claim.ts';
import { messageOf, StackError } from './errors.ts';
import { lastLines, logFile } from './log-files.ts';
import { repository } from './paths.ts';
import { rabbitmqServer } from './programs/rabbitmq.ts';
import { runCommand } from './run-command.ts';

export interface SystemProgram {
  name: 'rabbitmq' | 'nginx' | 'prometheus' | 'mtail' | 'php' | 'adminer' | 'chromium' | 'slowhttptest';
  purpose: string;
  /** Debian's packages. */
  packages: string[];
  /** Set where only some tests need it, which install it themselves. */
  testsOnly?: true;
  isInstalled(): boolean;
}

const aptLog = 'packages';
const unpackedAdminer = path.join(repository, '.native/adminer');
const adminerFolder = 'usr/share/adminer';

export const systemPrograms: SystemProgram[] = [
  {
    name: 'rabbitmq',
    purpose: 'carries the events',
    packages: ['rabbitmq-server'],
    isInstalled: () => existsSync(rabbitmqServer) && findExecutable('epmd') !== undefined,
  },
  {
    name: 'nginx',
    purpose: 'is the way in, and keeps what is public',
    packages: ['nginx'],
    isInstalled: () => findExecutable('nginx') !== undefined,
  },
  {
    name: 'prometheus',
    purpose: 'collects figures and raises alerts',
    packages: ['prometheus'],
    isInstalled: () => findExecutable('prometheus') !== undefined && findExecutable('promtool') !== undefined,
  },
  {
    name: 'mtail',
    purpose: "counts what nginx's access log tells",
    packages: ['mtail'],
    isInstalled: () => findExecutable('mtail') !== undefined,
  },
  {
    name: 'php',
    purpose: 'runs Adminer',
    packages: ['php-cli', 'php-pgsql'],
    isInstalled: () => spawnSync('php', ['-r', 'exit(extension_loaded("pgsql") ? 0 : 1);']).status === 0,
  },
  {
    name: 'adminer',
    purpose: 'shows the databases',
    packages: ['adminer'],
    isInstalled: () => adminerDirectory() !== undefined,
  },
  {
    name: 'chromium',
    purpose: 'tests GraphiQL in a browser',
    packages: ['chromium'],
    testsOnly: true,
    isInstalled: () => findExecutable('chromium') !== undefined,
  },
  {
    name: 'slowhttptest',
    purpose: 'opens slow connections in make test-security',
    packages: ['slowhttptest'],
    testsOnly: true,
    isInstalled: () => findExecutable('slowhttptest') !== undefined,
  },
];

/** The folder with adminer.php and its plugins: the system's, or the one unpacked by ensureInstalled. */
export function adminerDirectory(): string | undefined {
  const folders = [path.join('/', adminerFolder), path.join(unpackedAdminer, adminerFolder)];
  return folders.find((folder) => existsSync(path.join(folder, 'adminer.php')));
}

export function findExecutable(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** Which of the programs are not there. */
export function missingPrograms(names: SystemProgram['name'][]): SystemProgram[] {
  return systemPrograms.filter((program) => names.includes(program.name) && !program.isInstalled());
}

/** The command that installs programs, for people. */
export function installCommand(programs: SystemProgram[]): string {
  const packages = programs.filter(({ name }) => name !== 'adminer').flatMap((program) => program.packages);
  return `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/**
 * Installs what is missing, from Debian's packages; does nothing when all is there. Two at once take turns.
 * Throws a StackError that says what to do where it can't.
 */
export async function ensureInstalled(names: SystemProgram['name'][], directory: string): Promise<void> {
  if (missingPrograms(names).length === 0) return;
  await withClaim('installation of packages', async () => {
    const missing = missingPrograms(names);
    if (missing.length === 0) return;
    const wanted = missing.map(({ name }) => name).join(', ');
    const installable = missing.filter(({ name }) => name !== 'adminer');
    const command = installCommand(installable);
    if (!findExecutable('apt-get')) {
      const packages = missing.flatMap((program) => program.packages).join(', ');
      throw new StackError(
        `missing: ${wanted}. Install them with this system's package manager (in Debian: ${packages})`,
      );
    }
    if (installable.length > 0 && process.getuid?.() !== 0) {
      throw new StackError(`missing: ${wanted}. Run this as root, then try again: ${command}`);
    }
    try {
      if (process.getuid?.() === 0) await apt(['update'], directory);
      if (installable.length > 0) await installPackages(installable, directory);
      if (missing.some(({ name }) => name === 'adminer')) await unpackAdminer(directory);
    } catch (cause) {
      const log = logFile(directory, aptLog);
      const reason = lastLines(log, 100).findLast((line) => line.startsWith('E: ')) ?? messageOf(cause);
      throw new StackError(`${wanted} could not be installed; is this machine online? ${reason} (${log})`, { cause });
    }
    const still = missingPrograms(names).map(({ name }) => name);
    if (still.length > 0) throw new StackError(`${still.join(', ')} is still missing after: ${command}`);
  });
}

async function installPackages(programs: SystemProgram[], directory: string): Promise<void> {
  const packages = programs.flatMap((program) => program.packages);
  await withoutStartingServers(() => apt(['install', '-y', '--no-install-recommends', ...packages], directory));
  const units = [
    ...(packages.includes('rabbitmq-server') ? ['rabbitmq-server.service', 'epmd.service', 'epmd.socket'] : []),
    ...(packages.includes('nginx') ? ['nginx.service'] : []),
    ...(packages.includes('prometheus') ? ['prometheus.service'] : []),
    ...(packages.includes('mtail') ? ['mtail.service'] : []),
  ];
  if (units.length > 0 && existsSync('/run/systemd/system')) {
    spawnSync('systemctl', ['disable', ...units]); // the system's own would take our ports after the next boot
  }
}

/** Debian's way to keep packages from starting their servers: see policy-rc.d in invoke-rc.d(8). */
async function withoutStartingServers(install: () => Promise<void>): Promise<void> {
  const file = '/usr/sbin/policy-rc.d';
  const text = '#!/bin/sh\n# Made while a stack installs packages, and removed after that.\nexit 101\n';
  const isOurs = !existsSync(file) || readFileSync(file, 'utf8') === text;
  if (isOurs) writeFileSync(file, text, { mode: 0o755 });
  try {
    await install();
  } finally {
    if (isOurs) rmSync(file, { force: true });
  }
}

/** Takes Adminer out of its package: installing that would bring Apache along. */
async function unpackAdminer(directory: string): Promise<void> {
  const folder = `${unpackedAdminer}.unfinished`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await apt(['download', 'adminer'], directory, folder);
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? 'adminer.deb';
  const options = { directory, log: aptLog, workingDirectory: folder, environment: process.env };
  await runCommand(['dpkg', '-x', archive, '.'], options);
  rmSync(path.join(folder, archive));
  rmSync(unpackedAdminer, { recursive: true, force: true });
  renameSync(folder, unpackedAdminer);
}

function apt(parameters: string[], directory: string, workingDirectory = '/'): Promise<void> {
  const options = [
    'DPkg::Lock::Timeout=300',
    'Acquire::Retries=2',
    'Acquire::http::Timeout=20',
    'APT::Sandbox::User=root',
  ];
  return runCommand(['apt-get', '-q', ...options.flatMap((option) => ['-o', option]), ...parameters], {
    directory,
    log: aptLog,
    workingDirectory,
    environment: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
  });
}
