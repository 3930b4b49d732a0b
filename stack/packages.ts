// The programs that come from the system: which are missing, and their installation where that is possible.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withClaim } from './claim.ts';
import { dataFolder } from './data-folder.ts';
import { baseEnvironment } from './environment.ts';
import { messageOf, StackError } from './errors.ts';
import { lastLines, logFile, openLog } from './log-files.ts';
import { rabbitmqServer } from './programs/rabbitmq.ts';
import { runCommand, type RunOptions } from './run-command.ts';

export interface SystemProgram {
  name:
    | 'rabbitmq'
    | 'nginx'
    | 'prometheus'
    | 'mtail'
    | 'php'
    | 'adminer'
    | 'alertmanager'
    | 'pika'
    | 'chromium'
    | 'slowhttptest';
  purpose: string;
  /** Debian's packages. */
  packages: string[];
  /** The servers that the packages would start, by the names of their units. */
  servers?: string[];
  /** Set where only some tests need it, which install it themselves. */
  testsOnly?: true;
  isInstalled(): boolean;
}

const aptLog = 'packages';
const dpkgTimeoutMs = 300_000;
const dpkgPauseMs = 1_000;
const unpackedAdminer = path.join(dataFolder(), 'adminer');
const adminerFolder = 'usr/share/adminer';
/** Another Python that stands first in PATH knows nothing of Debian's packages. */
export const debianPython = '/usr/bin/python3';

export const systemPrograms: SystemProgram[] = [
  {
    name: 'rabbitmq',
    purpose: 'carries the events',
    packages: ['rabbitmq-server'],
    servers: ['rabbitmq-server', 'epmd'],
    isInstalled: () => existsSync(rabbitmqServer) && findExecutable('epmd') !== undefined,
  },
  {
    name: 'nginx',
    purpose: 'is the entry point, and keeps what is public',
    packages: ['nginx'],
    servers: ['nginx'],
    isInstalled: () => findExecutable('nginx') !== undefined,
  },
  {
    name: 'prometheus',
    purpose: 'collects metrics and raises alerts',
    packages: ['prometheus'],
    servers: ['prometheus'],
    isInstalled: () => findExecutable('prometheus') !== undefined && findExecutable('promtool') !== undefined,
  },
  {
    name: 'mtail',
    purpose: "counts what nginx's access log tells",
    packages: ['mtail'],
    servers: ['mtail'],
    isInstalled: () => findExecutable('mtail') !== undefined,
  },
  {
    name: 'php',
    purpose: 'runs Adminer',
    packages: ['php-cli', 'php-pgsql'],
    isInstalled: () =>
      spawnSync('php', ['-r', 'exit(extension_loaded("pgsql") ? 0 : 1);'], { env: baseEnvironment() }).status === 0,
  },
  {
    name: 'adminer',
    purpose: 'shows the databases',
    packages: ['adminer'],
    isInstalled: () => adminerDirectory() !== undefined,
  },
  {
    name: 'alertmanager',
    purpose: 'tests whom alerts wake',
    packages: ['prometheus-alertmanager'],
    servers: ['prometheus-alertmanager'],
    testsOnly: true,
    isInstalled: () => findExecutable('amtool') !== undefined,
  },
  {
    name: 'pika',
    purpose: 'tests the consumer in Python of docs/events.md',
    packages: ['python3-pika'],
    testsOnly: true,
    isInstalled: () => spawnSync(debianPython, ['-c', 'import pika'], { env: baseEnvironment() }).status === 0,
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

/** What to tell whoever may not install programs. */
export function installHint(programs: SystemProgram[]): string {
  const forTests = programs.filter(({ testsOnly }) => testsOnly).map(({ name }) => name);
  return forTests.length > 0 ? `make packages NAME="${forTests.join(' ')}"` : 'make packages';
}

/**
 * Installs what is missing, from Debian's packages; does nothing when all is there. Two at once take turns.
 * Throws a StackError that says what to do where it can't.
 */
export async function ensureInstalled(names: SystemProgram['name'][], directory: string): Promise<void> {
  if (missingPrograms(names).length === 0 && !interruptedInstallation()) return;
  await withClaim('installation of packages', async () => {
    const interrupted = interruptedInstallation();
    if (interrupted) await withoutServers(interrupted, () => configurePending(directory));
    const missing = missingPrograms(names);
    if (missing.length === 0) return;
    const wanted = missing.map(({ name }) => name).join(', ');
    const installable = missing.filter(({ name }) => name !== 'adminer');
    if (!findExecutable('apt-get')) {
      const packages = missing.flatMap((program) => program.packages).join(', ');
      throw new StackError(
        `missing: ${wanted}. Install them with this system's package manager (in Debian: ${packages})`,
      );
    }
    if (installable.length > 0 && !isRoot()) {
      throw new StackError(`missing: ${wanted}. As root, run \`${installHint(installable)}\` here, then try again`);
    }
    try {
      if (isRoot()) await apt(['update'], directory);
      if (installable.length > 0) await installPackages(installable, directory);
      if (missing.some(({ name }) => name === 'adminer')) await unpackAdminer(directory);
    } catch (cause) {
      const log = logFile(directory, aptLog);
      const reason = lastLines(log, 100).findLast((line) => line.startsWith('E: ')) ?? messageOf(cause);
      throw new StackError(`${wanted} could not be installed; is this machine online? ${reason} (${log})`, { cause });
    }
    const still = missingPrograms(names).map(({ name }) => name);
    if (still.length > 0)
      throw new StackError(`${still.join(', ')} is still missing, see ${logFile(directory, aptLog)}`);
  });
}

const isRoot = (): boolean => process.getuid?.() === 0;

async function installPackages(programs: SystemProgram[], directory: string): Promise<void> {
  const packages = programs.flatMap((program) => program.packages);
  const servers = programs.flatMap((program) => program.servers ?? []);
  await withoutServers(servers, async () => {
    await configurePending(directory); // of whoever was interrupted: apt refuses to go on from there
    await apt(['install', '-y', '--no-install-recommends', ...packages], directory);
  });
}

const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# Made while a stack installs packages, and removed after that';
const policyFor = (servers: string[]): string =>
  `#!/bin/sh\n${policyMark}, when these are disabled: ${servers.join(' ')}\nexit 101\n`;

/** The servers of an installation that came to no end, since its policy is still there. */
function interruptedInstallation(): string[] | undefined {
  const text = isRoot() && existsSync(policyFile) ? readFileSync(policyFile, 'utf8') : '';
  if (!text.includes(policyMark)) return undefined;
  return /disabled: (.*)$/m.exec(text)?.[1]?.split(' ').filter(Boolean) ?? [];
}

/**
 * Keeps packages from starting their servers, in Debian's way: see policy-rc.d in invoke-rc.d(8). Nor do these servers start
 * with the machine, where they would take our ports, whether systemd runs at this moment or not.
 */
async function withoutServers(servers: string[], work: () => Promise<void>): Promise<void> {
  const isOurs = interruptedInstallation() !== undefined || !existsSync(policyFile);
  if (isOurs) writeFileSync(policyFile, policyFor(servers), { mode: 0o755 });
  try {
    await work();
  } finally {
    for (const server of servers) {
      for (const unit of [`${server}.service`, `${server}.socket`]) {
        spawnSync('deb-systemd-helper', ['disable', unit], {
          env: { ...process.env, DPKG_MAINTSCRIPT_PACKAGE: server },
        }); // else it refuses
      }
      if (existsSync(`/etc/init.d/${server}`)) spawnSync('update-rc.d', [server, 'disable']);
    }
    if (isOurs) rmSync(policyFile, { force: true });
  }
}

/** Finishes what an interrupted dpkg has left half done. An apt whose starter was killed goes on: that is waited for. */
async function configurePending(directory: string): Promise<void> {
  const deadline = Date.now() + dpkgTimeoutMs;
  for (;;) {
    const log = openLog(directory, aptLog);
    log.close();
    try {
      await runCommand(['dpkg', '--configure', '-a'], aptOptions(directory, '/'));
      return;
    } catch (error) {
      const isLocked = lastLines(logFile(directory, aptLog), 20, log.start).some((line) => line.includes('lock'));
      if (!isLocked || Date.now() > deadline) throw error;
      await delay(dpkgPauseMs);
    }
  }
}

/** Takes Adminer out of its package: installing that would bring Apache along. */
async function unpackAdminer(directory: string): Promise<void> {
  const folder = `${unpackedAdminer}.unfinished`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await apt(['download', 'adminer'], directory, folder);
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? 'adminer.deb';
  await runCommand(['dpkg', '-x', archive, '.'], aptOptions(directory, folder));
  await runCommand(['chmod', '-R', 'a+rX', '.'], aptOptions(directory, folder)); // its server is none of root's
  rmSync(path.join(folder, archive));
  rmSync(unpackedAdminer, { recursive: true, force: true });
  renameSync(folder, unpackedAdminer);
}

function apt(parameters: string[], directory: string, workingDirectory = '/'): Promise<void> {
  const options = [
    `DPkg::Lock::Timeout=${dpkgTimeoutMs / 1_000}`,
    'Acquire::Retries=2',
    'Acquire::http::Timeout=20',
    'APT::Sandbox::User=root',
  ];
  return runCommand(
    ['apt-get', '-q', ...options.flatMap((option) => ['-o', option]), ...parameters],
    aptOptions(directory, workingDirectory),
  );
}

/** Without the stack's mark: what is killed half way through leaves packages half installed. */
function aptOptions(directory: string, workingDirectory: string): RunOptions {
  return {
    directory,
    log: aptLog,
    workingDirectory,
    environment: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    outlivesStack: true,
  };
}
