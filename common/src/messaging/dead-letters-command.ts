import { parseArgs } from 'node:util';
import { SettingsError } from '../config/index.js';
import { redact } from '../logger/index.js';
import { BrokerSession, type WorkQueue } from '../rabbitmq/index.js';
import { listDeadLetters, replayDeadLetters, type DeadLetter } from './dead-letters.js';

const USAGE = `Usage: dead-letters list
       dead-letters replay [--id MESSAGE-ID] [--type EVENT-TYPE] [--dry-run]

replay puts all of them back, or those that fit; --dry-run only shows them.`;

/** Lines of a table, and dead letters that a list reads from each queue. */
const MAX_LINES = 1_000;
const MAX_ERROR = 100;

export interface DeadLettersSurroundings {
  /** Throws SettingsError. */
  brokerUrl: () => string;
  queues: readonly WorkQueue[];
  say: (line: string) => void;
  complain: (line: string) => void;
}

class UsageError extends Error {}

/** Answers the exit code: 0 done; 1 not, or not wholly; 2 for a command line or setting that makes no sense. */
export async function runDeadLettersCommand(args: string[], surroundings: DeadLettersSurroundings): Promise<number> {
  try {
    const command = parseCommand(args);
    const session = await BrokerSession.open({ url: surroundings.brokerUrl(), name: 'dead letters' });
    try {
      return command.name === 'list' ? await list(session, surroundings) : await replay(session, command, surroundings);
    } finally {
      await session.close().catch(() => undefined); // what matters was confirmed before
    }
  } catch (error) {
    surroundings.complain(String(redact(error instanceof Error ? error.message : error)));
    return error instanceof UsageError || error instanceof SettingsError ? 2 : 1;
  }
}

interface ReplayCommand {
  name: 'replay';
  messageId: string | undefined;
  type: string | undefined;
  isDryRun: boolean;
}

function parseCommand(args: string[]): { name: 'list' } | ReplayCommand {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: { id: { type: 'string' }, type: { type: 'string' }, 'dry-run': { type: 'boolean' } },
    });
    const [name] = positionals;
    if (positionals.length === 1 && name === 'replay') {
      return { name, messageId: values.id, type: values.type, isDryRun: values['dry-run'] ?? false };
    }
    if (positionals.length === 1 && name === 'list' && Object.keys(values).length === 0) return { name };
    throw new Error(`not understood: ${args.join(' ') || '(nothing)'}`);
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

async function list(session: BrokerSession, { queues, say }: DeadLettersSurroundings): Promise<number> {
  const { deadLetters, total } = await listDeadLetters(session, { queues, limit: MAX_LINES });
  for (const line of tableOf(deadLetters)) say(line);
  say(total > deadLetters.length ? `${deadLetters.length} of ${count(total)} are shown` : count(total));
  return 0;
}

async function replay(
  session: BrokerSession,
  { messageId, type, isDryRun }: ReplayCommand,
  { queues, say, complain }: DeadLettersSurroundings,
): Promise<number> {
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
    for (const line of tableOf(shown)) say(line);
    if (total > shown.length) say(`${shown.length} of ${count(total)} are shown`);
    say(`${count(total)} ${isDryRun ? 'would be put back' : 'put back'}`);
  }
  if (total === 0 && messageId !== undefined) {
    complain('no dead letter fits');
    return 1;
  }
  return 0;
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
