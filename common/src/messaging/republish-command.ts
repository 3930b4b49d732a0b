import { Client } from 'pg';
import { z } from 'zod';
import { PUBLISHED_RETENTION_DAYS } from '../config/index.js';
import { messageOf, runCommand, UsageError, type CommandOutput } from '../process/index.js';
import { republishEvents, RepublishStalled } from './republish.js';

const USAGE = `Usage: republish TIME SERVICE...

Publishes again what these services have published at or after a time such as 2026-01-31 or 2026-01-31T12:00:00Z.`;

const CONNECT_TIMEOUT = 5_000;
const STATEMENT_TIMEOUT = 10 * 60_000;
/** Milliseconds between two lines that tell how far it is. */
const PROGRESS = 2_000;
const DAY = 86_400_000;

const time = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).transform((text) => new Date(text));

export interface RepublishIo extends CommandOutput {
  /** Throws SettingsError. */
  databaseUrl: (service: string) => string;
  /** In milliseconds; see republishEvents. */
  stallTimeout?: number;
}

/** Runs one command line and answers its exit code; see runCommand. */
export const runRepublishCommand = (args: string[], io: RepublishIo): Promise<0 | 1 | 2> =>
  runCommand(io, async () => {
    const { databaseUrl, stdout, stderr } = io;
    const { since, services } = parseCommand(args);
    const databases = services.map((service) => ({ service, url: databaseUrl(service) }));
    if (Date.now() - since.getTime() > PUBLISHED_RETENTION_DAYS * DAY)
      stdout(`published events are kept for ${PUBLISHED_RETENTION_DAYS} days: what is older can't be published again`);
    let isDone = true;
    for (const { service, url } of databases) {
      try {
        const count = await republish({ service, url, since }, io);
        stdout(`${service}: ${count === 1 ? '1 event' : `${count} events`} published again`);
      } catch (error) {
        isDone = false;
        stderr(`${service}: ${messageOf(error)}`);
        if (error instanceof RepublishStalled)
          stderr(
            `Do ${service} and the broker run? What was put back is published as soon as they do. Then run this again.`,
          );
      }
    }
    return isDone;
  });

function parseCommand([given = '', ...services]: string[]): { since: Date; services: string[] } {
  const since = time.safeParse(given).data;
  if (since === undefined) throw new UsageError(`not a time: ${given || '(nothing)'}\n\n${USAGE}`);
  if (since.getTime() > Date.now()) throw new UsageError(`${given} is in the future`);
  if (services.length === 0) throw new UsageError(`no service is named\n\n${USAGE}`);
  return { since, services };
}

async function republish(
  { service, url, since }: { service: string; url: string; since: Date },
  { stdout, stallTimeout }: RepublishIo,
): Promise<number> {
  const client = new Client({
    connectionString: url,
    application_name: 'republish',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    statement_timeout: STATEMENT_TIMEOUT,
  });
  client.on('error', () => undefined); // a lost connection fails the next query, which says so
  let progress = 'counting what it has published';
  const ticking = setInterval(() => stdout(`${service}: ${progress}`), PROGRESS);
  try {
    await client.connect();
    return await republishEvents(client, {
      since,
      stallTimeout,
      onProgress: ({ putBack, total }) => (progress = `${putBack} of ${total} events`),
    });
  } finally {
    clearInterval(ticking);
    await client.end();
  }
}
