// Programs that root starts get no more of its rights than they need.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { findExecutable } from './packages.ts';
import type { Command } from './program.ts';

export interface ConfinedCommand extends Command {
  /** It has more rights than it should, and why. */
  note?: string;
}

type Wrap = (command: Command) => Command | undefined;

/** How each system user gets to the working copy. */
const found = new Map<string, Wrap | undefined>();
const works = new Map<string, boolean>();

/**
 * The command with the rights that it names alone, where root starts it. One that runs from the working copy, which may lie
 * in a folder of root's, is shown it where its system user gets to; where a container forbids that, it stays root, without
 * capabilities as far as it may give them up.
 */
export function confine(command: Command, stackDirectory: string): ConfinedCommand {
  if (process.getuid?.() !== 0) return command;
  const { workingCopy, uid } = command;
  if (!workingCopy) return withoutRights(command);
  const view = path.join(stackDirectory, 'working-copy');
  const key = JSON.stringify([uid, workingCopy, view]);
  if (!found.has(key)) {
    const ways: Wrap[] = [withoutRights, (one) => shownWorkingCopy(one, workingCopy.folder, view)];
    const check: Command = { ...command, argv: workingCopy.check };
    found.set(
      key,
      ways.find((way) => succeeds(way(check))),
    );
  }
  const confined = found.get(key)?.(command);
  if (confined) return confined;
  const note = `its system user can't read ${workingCopy.folder}, so it runs as root, without capabilities where that may be`;
  return { ...withoutRights({ ...command, uid: undefined, gid: undefined }), note };
}

function succeeds(command: Command | undefined): boolean {
  if (!command) return false;
  const { argv, environment, directory, uid, gid } = command;
  const [file, ...parameters] = argv;
  return spawnSync(file, parameters, { env: environment, cwd: directory, uid, gid, stdio: 'ignore' }).status === 0;
}

/** As its user, and with the capabilities that it names; with its user alone where setpriv is missing or not let. */
function withoutRights(command: Command): Command {
  const prefix = exists(command.argv[0]) ? setpriv(command) : undefined;
  return prefix ? { ...command, argv: [...prefix, ...command.argv], uid: undefined, gid: undefined } : command;
}

/** A program that doesn't is reported by whoever spawns it, better than by setpriv. */
const exists = (program: string): boolean =>
  path.isAbsolute(program) ? existsSync(program) : findExecutable(program) !== undefined;

function setpriv({ uid, gid, capabilities = [] }: Command): [string, ...string[]] | undefined {
  const program = findExecutable('setpriv');
  if (program === undefined) return undefined;
  const kept = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const user = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  // Another user than root has only what is inherited; root gets back whatever the bounding set leaves.
  const inherited =
    uid === undefined || capabilities.length === 0
      ? ['--inh-caps=-all']
      : [`--inh-caps=${kept}`, `--ambient-caps=${kept}`];
  const prefix: [string, ...string[]] = [program, ...user, '--no-new-privs', `--bounding-set=${kept}`, ...inherited];
  const key = prefix.join(' ');
  if (!works.has(key))
    works.set(key, spawnSync(program, [...prefix.slice(1), 'true'], { stdio: 'ignore' }).status === 0);
  return works.get(key) ? prefix : undefined;
}

/** In a mount name space of its own, with the working copy at another path: what is above it bars nobody's way then. */
function shownWorkingCopy(command: Command, folder: string, view: string): Command | undefined {
  const prefix = setpriv(command);
  if (!prefix) return undefined;
  mkdirSync(view, { recursive: true, mode: 0o755 });
  const moved = (text: string) => (text.startsWith(`${folder}/`) ? view + text.slice(folder.length) : text);
  const script = 'mount --bind "$1" "$2" && cd "$3" && shift 3 && exec "$@"';
  const directory = command.directory === folder ? view : moved(command.directory);
  return {
    ...command,
    argv: [
      'unshare',
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      folder,
      view,
      directory,
      ...prefix,
      ...command.argv.map(moved),
    ],
    directory: '/',
    uid: undefined,
    gid: undefined,
  };
}
