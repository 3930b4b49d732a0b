// The command line: `node stack/main.ts COMMAND`.
import { parseArgs } from 'node:util';
import type { LogsWanted } from './commands/logs.ts';
import { messageOf, StackError } from './errors.ts';

const migrateDirections = ['up', 'down', 'status'] as const;
const nginxActions = ['up', 'down', 'restart', 'clear-cache', 'status'] as const;
export type NginxAction = (typeof nginxActions)[number];

/** `background`: the process that `detached` starts, which nobody watches. */
export type Mode = 'foreground' | 'detached' | 'background';

const usage = `Usage: node stack/main.ts COMMAND

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

const options = {
  detach: { type: 'boolean', short: 'd' },
  background: { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
  json: { type: 'boolean' },
  request: { type: 'string' },
  trace: { type: 'string' },
  to: { type: 'string' },
  keep: { type: 'string' },
  replace: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

/** Whose options these are, and what is said of them behind another command. */
const owners: [names: (keyof Values)[], commands: string[], refusal: string][] = [
  [['detach', 'background'], ['up', 'infra'], '-d is for up and infra'],
  [['follow'], ['logs'], '-f is for logs'],
  [['json'], ['logs'], '--json is for logs'],
  [['request'], ['logs'], '--request is for logs'],
  [['trace'], ['logs'], '--trace is for logs'],
  [['to', 'keep'], ['backup'], '--to and --keep are for backup'],
  [['replace'], ['restore'], '--replace is for restore'],
];

function noWords(words: string[], command: string): void {
  if (words.length > 0) throw refusal(`${command} takes no further words`);
}

const alone = (words: string[], _values: Values, command: string) => {
  noWords(words, command);
  return {};
};

const start = (words: string[], { detach, background }: Values, command: string) => {
  noWords(words, command);
  const mode: Mode = background ? 'background' : detach ? 'detached' : 'foreground';
  return { mode };
};

/** What each command makes of the words behind it and of its options. */
const commands = {
  up: start,
  infra: start,
  down: alone,
  restart: alone,
  status: alone,
  health: alone,
  logs: (names: string[], values: Values): LogsWanted => ({ names, ...logsWanted(values) }),
  run: ([service, ...more]: string[]) => {
    if (!service || more.length > 0) throw refusal('run takes the name of one service');
    return { service };
  },
  migrate: ([word, ...services]: string[]) => {
    const direction = migrateDirections.find((known) => known === word);
    if (!direction) throw refusal('migrate takes up, down or status');
    return { direction, services };
  },
  script: ([service, script, ...parameters]: string[]) => {
    if (!service || !script) throw refusal('script takes the names of a service and of its script');
    return { service, script, parameters };
  },
  'dead-letters': (parameters: string[]) => {
    if (parameters.length === 0) throw refusal('dead-letters takes list, replay or drop');
    return { parameters };
  },
  republish: ([since, ...services]: string[]) => {
    if (!since) throw refusal('republish takes a time: make republish SINCE=2026-01-31T12:00:00Z');
    return { since, services };
  },
  backup: (words: string[], { to, keep }: Values) => {
    noWords(words, 'backup');
    if (to === '') throw refusal('--to takes a folder');
    if (to !== undefined && keep !== undefined) throw refusal('--to and --keep can not be combined');
    if (keep !== undefined && !/^[1-9]\d{0,5}$/.test(keep)) throw refusal('--keep takes a whole number above 0');
    return { to, keep: keep === undefined ? undefined : Number(keep) };
  },
  restore: ([from, ...more]: string[], { replace = false }: Values) => {
    if (!from || more.length > 0) throw refusal('restore takes the folder of a backup: make restore FROM=backups/...');
    return { from, replace };
  },
  seed: alone,
  demo: alone,
  nginx: ([word, ...more]: string[]) => {
    const action = nginxActions.find((known) => known === word);
    if (!action || more.length > 0) throw refusal(`nginx takes one of ${nginxActions.join(', ')}`);
    return { action };
  },
  certificate: alone,
  'api-docs': alone,
  'api-collection': alone,
  build: alone,
  'check-lock': alone,
  doctor: alone,
  packages: (names: string[]) => ({ names }),
  'systemd-unit': alone,
  'test-infrastructure': alone,
};

type Commands = typeof commands;
export type StackCommand = { [Name in keyof Commands]: { command: Name } & ReturnType<Commands[Name]> }[keyof Commands];

const isCommand = (word: string): word is keyof Commands => Object.hasOwn(commands, word);

/** Throws a StackError, with the usage, for a command line that makes no sense. */
export function parseArguments(args: string[]): StackCommand {
  let parsed;
  try {
    parsed = parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw refusal(messageOf(error));
  }
  const [command = '', ...words] = parsed.positionals;
  for (const [names, those, message] of owners) {
    if (!those.includes(command) && names.some((name) => parsed.values[name] !== undefined)) throw refusal(message);
  }
  if (!isCommand(command)) throw refusal(command ? `there is no command ${command}` : 'a command is missing');
  return { command, ...commands[command](words, parsed.values, command) } as StackCommand; // by the table above
}

function logsWanted({ follow = false, json = false, request, trace }: Values): Omit<LogsWanted, 'names'> {
  if (request !== undefined && trace !== undefined) throw refusal('--request and --trace can not be combined');
  if (request === '' || trace === '') throw refusal('an id is missing');
  if (request !== undefined) return { follow, json, of: { field: 'requestId', id: request } };
  // The whole header traceparent will do.
  const id = trace && (/^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(trace)?.[1] ?? trace);
  return { follow, json, of: id === undefined ? undefined : { field: 'traceId', id } };
}

/** The options of `logs` alone. Throws a StackError. */
export const logsOptions = (args: string[]): Omit<LogsWanted, 'names'> =>
  logsWanted(parseArgs({ args, options }).values);

function refusal(message: string): StackError {
  return new StackError(`${message}\n\n${usage}`);
}
