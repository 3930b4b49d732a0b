// What this machine lacks, and how to get it.
import { spawnSync } from 'node:child_process';
import { table } from '../addresses.ts';
import { runningState, type Context } from '../context.ts';
import { messageOf } from '../errors.ts';
import { findExecutable, installHint, systemPrograms } from '../packages.ts';
import { systemParts } from '../parts.ts';
import { checkPorts } from '../ports.ts';
import { locatePostgres } from '../programs/postgres-installation.ts';
import { loadSettings, type Settings } from '../settings.ts';

interface Finding {
  name: string;
  state: 'ok' | 'fault' | 'optional';
  detail: string;
}

/** Returns what is there and what is not; 0 when nothing is missing that `make up` could not run without. */
export async function doctor(context: Context): Promise<number> {
  const findings = [...tools(), serverOfPostgres(context), ...programs(), ...(await ports(context))];
  const marks = { ok: '✓', fault: '✗', optional: '-' };
  const colours = { ok: 'green', fault: 'red', optional: 'yellow' } as const;
  const rows = table(findings.map(({ name, state, detail }) => [marks[state], name, detail]));
  rows.forEach((row, i) => {
    const state = findings[i]?.state ?? 'ok';
    context.output.result(context.output.style(colours[state], row, process.stdout));
  });
  const lacking = systemPrograms.filter(({ name }) => findings.some((one) => one.name === name && one.state !== 'ok'));
  const installable = lacking.filter(({ name }) => name !== 'adminer');
  const needed = installable.filter(({ testsOnly }) => !testsOnly);
  const forTests = installable.filter(({ testsOnly }) => testsOnly);
  if (needed.length > 0) {
    context.output.result(
      `\n\`make up\`, started as root, installs what is missing; for others, root's \`${installHint(needed)}\`.`,
    );
  }
  if (forTests.length > 0) context.output.result(`For all of the tests, as root: \`${installHint(forTests)}\`.`);
  return findings.some(({ state }) => state === 'fault') ? 1 : 0;
}

function tools(): Finding[] {
  const version = (name: string, command: string) => {
    const found = spawnSync(command, ['--version'], { encoding: 'utf8' });
    const detail = found.status === 0 ? found.stdout.split('\n')[0] : undefined;
    return detail !== undefined ? ok(name, detail) : fault(name, `install it: apt-get install ${name}`);
  };
  const platform = `${process.platform}-${process.arch}`;
  return [
    process.platform === 'linux' ? ok('linux', platform) : fault('linux', `this is ${platform}`),
    ok('node', `${process.version} for the services`),
    version('npm', 'npm'),
    version('make', 'make'),
    findExecutable('apt-get')
      ? ok(
          'apt-get',
          process.getuid?.() === 0 ? 'can install packages' : 'installs packages for root only: make packages',
        )
      : { name: 'apt-get', state: 'optional', detail: 'not there: packages must be installed by hand' },
  ];
}

function serverOfPostgres({ directory }: Context): Finding {
  try {
    const { binaries, owner } = locatePostgres(process.env, directory);
    return ok('postgres', `${binaries}, as user ${owner?.uid ?? process.getuid?.()}`);
  } catch (error) {
    return fault('postgres', messageOf(error));
  }
}

function programs(): Finding[] {
  return systemPrograms.map((program) => {
    const { name, purpose, packages, testsOnly } = program;
    if (program.isInstalled()) return ok(name, purpose);
    const detail = `${purpose}; Debian: ${packages.join(', ')}`;
    return testsOnly ? { name, state: 'optional', detail } : fault(name, detail);
  });
}

async function ports(context: Context): Promise<Finding[]> {
  if (runningState(context)) return [ok('ports', 'the stack is running on them')];
  try {
    await checkPorts(claimedPorts(loadSettings(), context));
    return [ok('ports', 'all are free')];
  } catch (error) {
    const lines = messageOf(error).split('\n');
    return lines.map((line) => fault('ports', line));
  }
}

function claimedPorts(settings: Settings, { directory }: Context) {
  const parts = systemParts({ settings, directory, withAdminer: true, withPrometheus: true });
  return parts.flatMap((part) => (part.kind === 'task' ? [] : part.ports));
}

function ok(name: string, detail: string): Finding {
  return { name, state: 'ok', detail };
}

function fault(name: string, detail: string): Finding {
  return { name, state: 'fault', detail };
}
