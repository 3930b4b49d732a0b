import { parseArgs } from 'node:util';
import type { AuditEntry } from '../contracts/index.js';
import { runCommand, UsageError, type CommandOutput } from '../process/index.js';
import { BrokerSession, type WorkQueue } from '../rabbitmq/index.js';
import { dropDeadLetter, listDeadLetters, replayDeadLetters, type DeadLetter } from './dead-letters.js';

const USAGE = `Usage: dead-letters list
       dead-letters replay [--id MESSAGE-ID] [--type EVENT-TYPE] [--dry-run]
       dead-letters drop --id MESSAGE-ID [--reason TEXT] [--service NAME]

replay puts all of them back, or those that fit; --dry-run only shows them. drop removes one for good, and notes that in the
audit trail of the service whose queue it was.`;

/** Lines of a table, and dead letters that a list reads from each queue. */
const MAX_LINES = 1_000;
const MAX_ERROR = 100;
/** Characters of a reason and of each fact in the audit trail, whose rows have 1 kB for them. */
const MAX_REASON = 200;
const MAX_FACT = 100;

export interface DeadLettersIo extends CommandOutput {
  /** Throws SettingsError. */
  brokerUrl: () => string;
  queues: readonly WorkQueue[];
  /** Puts an entry into the audit trail of the service whose queue it is. */
  writeAudit: (queue: WorkQueue, entry: AuditEntry) => Promise<void>;
}

/** Runs one command line and answers its exit code; see runCommand. */
export const runDeadLettersCommand = (args: string[], io: DeadLettersIo): Promise<0 | 1 | 2> =>
  runCommand(io, async () => {
    const command = parseCommand(args);
    const session = await BrokerSession.open({ url: io.brokerUrl(), name: 'dead letters' });
    try {
      switch (command.name) {
        case 'list':
          return await list(session, io);
        case 'replay':
          return await replay(session, command, io);
        case 'drop':
          return await drop(session, command, io);
      }
    } finally {
      await session.close().catch(() => undefined); // what matters was confirmed before
    }
  });

interface ReplayCommand {
  name: 'replay';
  messageId: string | undefined;
  type: string | undefined;
  isDryRun: boolean;
}

interface DropCommand {
  name: 'drop';
  messageId: string;
  reason: string | undefined;
  /** Whose queue alone is meant. */
  service: string | undefined;
}

const options = {
  id: { type: 'string' },
  type: { type: 'string' },
  'dry-run': { type: 'boolean' },
  reason: { type: 'string' },
  service: { type: 'string' },
} as const;
const optionsOf: Readonly<Record<string, readonly string[]>> = {
  list: [],
  replay: ['id', 'type', 'dry-run'],
  drop: ['id', 'reason', 'service'],
};

function parseCommand(args: string[]): { name: 'list' } | ReplayCommand | DropCommand {
  try {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options });
    const [name = ''] = positionals;
    const known = positionals.length === 1 && Object.keys(values).every((option) => optionsOf[name]?.includes(option));
    if (known && name === 'list') return { name };
    if (known && name === 'replay') {
      return { name, messageId: values.id, type: values.type, isDryRun: values['dry-run'] ?? false };
    }
    if (known && name === 'drop') {
      if (!values.id)
        throw new Error('drop needs the id of one dead letter: --id, as list shows it (make dlq-drop ID=...)');
      if ((values.reason?.length ?? 0) > MAX_REASON) throw new Error(`a reason has ${MAX_REASON} characters at most`);
      return { name, messageId: values.id, reason: values.reason || undefined, service: values.service };
    }
    throw new Error(`not understood: ${args.join(' ') || '(nothing)'}`);
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

async function list(session: BrokerSession, { queues, stdout }: DeadLettersIo): Promise<boolean> {
  const { deadLetters, total } = await listDeadLetters(session, { queues, limit: MAX_LINES });
  for (const line of tableOf(deadLetters)) stdout(line);
  stdout(total > deadLetters.length ? `${deadLetters.length} of ${count(total)} are shown` : count(total));
  return true;
}

async function replay(
  session: BrokerSession,
  { messageId, type, isDryRun }: ReplayCommand,
  { queues, stdout, stderr }: DeadLettersIo,
): Promise<boolean> {
  const shown: DeadLetter[] = [];
  let total = 0;
  try {
    await replayDeadLetters(session, {
      queues,
      filter: { messageId, type },
      isDryRun,
      onReplay: (deadLetter) => {
        total++;
        if (shown.length < MAX_LINES) shown.push(deadLetter);
      },
    });
  } finally {
    for (const line of tableOf(shown)) stdout(line);
    if (total > shown.length) stdout(`${shown.length} of ${count(total)} are shown`);
    stdout(`${count(total)} ${isDryRun ? 'would be put back' : 'put back'}`);
  }
  if (total === 0 && messageId !== undefined) {
    stderr('no dead letter fits');
    return false;
  }
  return true;
}

async function drop(
  session: BrokerSession,
  { messageId, reason, service }: DropCommand,
  { queues, writeAudit, stdout, stderr }: DeadLettersIo,
): Promise<boolean> {
  const dropped: DeadLetter[] = [];
  await dropDeadLetter(session, {
    queues: queues.filter(({ name }) => service === undefined || name.startsWith(`${service}.`)),
    messageId,
    onDrop: async (deadLetter, queue) => {
      await writeAudit(queue, {
        action: 'dead_letter.dropped',
        actor: null, // whoever may use the broker and the database
        subject: null,
        details: { ...factsOf(deadLetter), ...(reason !== undefined && { reason }) },
      });
      dropped.push(deadLetter);
    },
  });
  for (const line of tableOf(dropped)) stdout(line);
  if (dropped.length > 0) {
    stdout(`${count(dropped.length)} dropped`);
    return true;
  }
  stderr(`no dead letter${service === undefined ? '' : ` of ${service}`} fits`);
  return false;
}

/** What the audit trail keeps of it: no error text, which could quote what a customer wrote. */
function factsOf({ queue, messageId, type, subject, time }: DeadLetter): Record<string, string> {
  const facts = { queue, eventId: messageId, type, subject, deadLetteredAt: time?.toISOString() };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, value.slice(0, MAX_FACT)]])),
  );
}

const count = (total: number): string => (total === 1 ? '1 dead letter' : `${total} dead letters`);

const COLUMNS = ['QUEUE', 'MESSAGE ID', 'TYPE', 'SUBJECT', 'REASON', 'TRIES', 'TIME', 'ERROR'];

function tableOf(deadLetters: readonly DeadLetter[]): string[] {
  if (deadLetters.length === 0) return [];
  const rows = deadLetters.map(({ queue, messageId, type, subject, reason, attempts, time, error }) =>
    [queue, messageId, type, subject, reason, attempts?.toString(), timeOf(time), error?.slice(0, MAX_ERROR)].map(
      printable,
    ),
  );
  const table = [COLUMNS, ...rows];
  const widths = COLUMNS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

const timeOf = (time: Date | undefined): string | undefined => time?.toISOString().replace(/\.\d+/, '');

/** Whoever wrote the message must not write to the terminal, and each has one line. */
const printable = (cell: string | undefined): string => cell?.replace(/[\p{C}\s]+/gu, ' ') || '-';
