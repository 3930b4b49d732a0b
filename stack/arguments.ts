// The command line: `node stack/main.ts COMMAND`.
import { parseArgs } from 'node:util';
import type { LogsWanted } from './commands/logs.ts';
import { messageOf, StackError } from './errors.ts';

export const migrateDirections = ['up', 'down', 'status'] as const;
export const nginxActions = ['up', 'down', 'restart', 'clear-cache', 'status'] as const;
export type NginxAction = (typeof nginxActions)[number];

/** `background`: the process that `detached` starts, which nobody watches. */
export type Mode = 'foreground' | 'detached' | 'background';

export type StackCommand =
  | { command: 'up' | 'infra'; mode: Mode }
  | {
      command:
        | 'down'
        | 'restart'
        | 'status'
        | 'health'
        | 'doctor'
        | 'test-infrastructure'
        | 'build'
        | 'check-lock'
        | 'api-docs'
        | 'api-collection'
        | 'certificate'
        | 'systemd-unit'
        | 'seed'
        | 'demo';
    }
  | { command: 'packages'; names: string[] }
  | ({ command: 'logs' } & LogsWanted)
  | { command: 'run'; service: string }
  | { command: 'script'; service: string; script: string; parameters: string[] }
  | { command: 'dead-letters'; parameters: string[] }
  | { command: 'republish'; since: string; services: string[] }
  | { command: 'backup'; to: string | undefined; keep: number | undefined }
  | { command: 'restore'; from: string; replace: boolean }
  | { command: 'nginx'; action: NginxAction }
  | { command: 'migrate'; direction: (typeof migrateDirections)[number]; services: string[] };

export const usage = `Usage: node stack/main.ts COMMAND

  up [-d]                          start everything; -d: in the background
  infra [-d]                       start the databases, RabbitMQ and Adminer alone
  down, restart                    stop what runs; stop it and start it again in the background
  status, health                   the processes; what each part answers
  logs [-f] [NAME...]              the last lines of the logs; -f: and the next ones
    --json                         as they were written; a pipe gets them so anyhow
    --request ID, --trace ID       all lines of one request, of all processes
  run SERVICE                      one service in the foreground, restarted when its source changes (after infra)
  migrate up|down|status [SERVICE...]
  script SERVICE SCRIPT [-- ARGUMENT...]  an npm script of a service, with its settings and beside its database
  dead-letters list|replay|drop [-- --id ID --type TYPE --dry-run]  the events that no service could handle
  republish TIME [SERVICE...]      have the events published again that were published since then
  backup [--to FOLDER | --keep N]  all databases as of one moment; --keep: and remove all but the newest N
  restore FOLDER [--replace]       the databases as they were; --replace: in place of what they hold
  seed, demo                       demo data for the running system; a whole scenario, shown in the terminal
  nginx up|down|restart|clear-cache|status  nginx alone, while the rest runs
  certificate                      a certificate of this machine's own, for https in development
  api-docs                         what can be asked of the system, and where
  api-collection                   write requests to it for an editor: api.http
  build                            compile what has changed
  check-lock                       whether package-lock.json is complete and names no registry
  doctor                           what this machine lacks
  packages [NAME...]               install, as root, what the system needs of Debian's packages, or the programs named
  systemd-unit                     print the unit by which systemd starts everything at boot
  test-infrastructure              servers for the tests, kept running between test runs

STACK_DIR: the folder of all data and logs, .native unless set.`;

/** Throws a StackError, with the usage, for a command line that makes no sense. */
export function parseArguments(args: string[]): StackCommand {
  let parsed;
  try {
    const options = {
      detach: { type: 'boolean', short: 'd' },
      background: { type: 'boolean' },
      ...backupFlags,
      ...logsFlags,
    } as const;
    parsed = parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw refusal(messageOf(error));
  }
  const [command = '', ...rest] = parsed.positionals;
  const { detach = false, background = false, to, keep, replace, ...ofLogs } = parsed.values;
  if ((detach || background) && command !== 'up' && command !== 'infra') throw refusal('-d is for up and infra');
  const foreign = Object.keys(ofLogs)[0];
  if (foreign && command !== 'logs') throw refusal(`${foreign === 'follow' ? '-f' : `--${foreign}`} is for logs`);
  if ((to !== undefined || keep !== undefined) && command !== 'backup') throw refusal('--to and --keep are for backup');
  if (replace && command !== 'restore') throw refusal('--replace is for restore');
  switch (command) {
    case 'backup': {
      if (rest.length > 0) throw refusal('backup takes no further words');
      return { command, ...backupWanted({ to, keep }) };
    }
    case 'restore': {
      const [from, ...more] = rest;
      if (!from || more.length > 0)
        throw refusal('restore takes the folder of a backup: make restore FROM=backups/...');
      return { command, from, replace: replace ?? false };
    }
    case 'logs':
      return { command, names: rest, ...logsWanted(ofLogs) };
    case 'packages':
      return { command, names: rest };
    case 'run': {
      const [service, ...more] = rest;
      if (!service || more.length > 0) throw refusal('run takes the name of one service');
      return { command, service };
    }
    case 'script': {
      const [service, script, ...parameters] = rest;
      if (!service || !script) throw refusal('script takes the names of a service and of its script');
      return { command, service, script, parameters };
    }
    case 'dead-letters': {
      if (rest.length === 0) throw refusal('dead-letters takes list, replay or drop');
      return { command, parameters: rest };
    }
    case 'republish': {
      const [since, ...names] = rest;
      if (!since) throw refusal('republish takes a time: make republish SINCE=2026-01-31T12:00:00Z');
      return { command, since, services: names };
    }
    case 'nginx': {
      const [word, ...more] = rest;
      const action = nginxActions.find((known) => known === word);
      if (!action || more.length > 0) throw refusal(`nginx takes one of ${nginxActions.join(', ')}`);
      return { command, action };
    }
    case 'migrate': {
      const direction = migrateDirections.find((known) => known === rest[0]);
      if (!direction) throw refusal('migrate takes up, down or status');
      return { command, direction, services: rest.slice(1) };
    }
  }
  if (rest.length > 0) throw refusal(`${command} takes no further words`);
  switch (command) {
    case 'up':
    case 'infra':
      return { command, mode: background ? 'background' : detach ? 'detached' : 'foreground' };
    case 'down':
    case 'restart':
    case 'status':
    case 'health':
    case 'doctor':
    case 'build':
    case 'check-lock':
    case 'test-infrastructure':
    case 'api-docs':
    case 'api-collection':
    case 'certificate':
    case 'systemd-unit':
    case 'seed':
    case 'demo':
      return { command };
    default:
      throw refusal(command ? `there is no command ${command}` : 'a command is missing');
  }
}

const backupFlags = {
  to: { type: 'string' },
  keep: { type: 'string' },
  replace: { type: 'boolean' },
} as const;

function backupWanted({ to, keep }: { to?: string | undefined; keep?: string | undefined }) {
  if (to === '') throw refusal('--to takes a folder');
  if (to !== undefined && keep !== undefined) throw refusal('--to and --keep can not be combined');
  if (keep !== undefined && !/^[1-9]\d{0,5}$/.test(keep)) throw refusal('--keep takes a whole number above 0');
  return { to, keep: keep === undefined ? undefined : Number(keep) };
}

const logsFlags = {
  follow: { type: 'boolean', short: 'f' },
  json: { type: 'boolean' },
  request: { type: 'string' },
  trace: { type: 'string' },
} as const;

type LogsFlags = { follow?: boolean; json?: boolean; request?: string; trace?: string };

function logsWanted({ follow = false, json = false, request, trace }: LogsFlags): Omit<LogsWanted, 'names'> {
  if (request !== undefined && trace !== undefined) throw refusal('--request and --trace can not be combined');
  if (request === '' || trace === '') throw refusal('an id is missing');
  if (request !== undefined) return { follow, json, of: { field: 'requestId', id: request } };
  // The whole header traceparent will do.
  const id = trace && (/^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(trace)?.[1] ?? trace);
  return { follow, json, of: id === undefined ? undefined : { field: 'traceId', id } };
}

/** The options of `logs` alone. Throws a StackError. */
export const logsOptions = (args: string[]): Omit<LogsWanted, 'names'> =>
  logsWanted(parseArgs({ args, options: logsFlags }).values);

function refusal(message: string): StackError {
  return new StackError(`${message}\n\n${usage}`);
}
