import { Client } from 'pg';
import { z } from 'zod';
import { PUBLISHED_RETENTION_DAYS, SettingsError } from '../config/index.js';
import { redact } from '../logger/index.js';
import { republishEvents, RepublishStalled } from './republish.js';

const USAGE = `Usage: republish TIME SERVICE...

Publishes again what these services have published at or after a time such as 2026-01-31 or 2026-01-31T12:00:00Z.`;

const CONNECT_TIMEOUT = 5_000;
const STATEMENT_TIMEOUT = 10 * 60_000;
/** Milliseconds between two lines that tell how far it is. */
const PROGRESS = 2_000;
const DAY = 86_400_000;

const time = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).transform((text) => new Date(text));

export interface RepublishIo {
  /** Throws SettingsError. */
  databaseUrl: (service: string) => string;
  stdout: (line: string) => void;
  stderr: (line: string) => void;
  /** In milliseconds; see republishEvents. */
  stallTimeout?: number;
}

class UsageError extends Error {}

/** Answers the exit code: 0 done; 1 not, or not wholly; 2 for a command line or setting that makes no sense. */
export async function runRepublishCommand(args: string[], io: RepublishIo): Promise<number> {
  const { databaseUrl, stdout, stderr } = io;
  try {
    const { since, services } = parseCommand(args);
    const databases = services.map((service) => ({ service, url: databaseUrl(service) }));
    if (Date.now() - since.getTime() > PUBLISHED_RETENTION_DAYS * DAY)
      stdout(`published events are kept for ${PUBLISHED_RETENTION_DAYS} days: what is older can't be published again`);
    let code = 0;
    for (const { service, url } of databases) {
      try {
        const count = await republish({ service, url, since }, io);
        stdout(`${service}: ${count === 1 ? '1 event' : `${count} events`} published again`);
      } catch (error) {
        code = 1;
        stderr(`${service}: ${messageOf(error)}`);
        if (error instanceof RepublishStalled)
          stderr(
            `Do ${service} and the broker run? What was put back is published as soon as they do. Then run this again.`,
          );
      }
    }
    return code;
  } catch (error) {
    stderr(messageOf(error));
    if (error instanceof UsageError || error instanceof SettingsError) return 2;
    throw error;
  }
}

/** Where a name stands for several addresses, a refused connection has a code and no message. */
const readable = z.object({ message: z.string(), code: z.string().optional() });

function messageOf(error: unknown): string {
  const { message = String(error), code } = readable.safeParse(error).data ?? {};
  return String(redact(message || code));
}

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
