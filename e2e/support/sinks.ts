// Every place that the running system writes to, to be searched for what must not be there.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import amqp from 'amqplib';
import pg from 'pg';
import { cachedFiles } from '../../stack/programs/nginx.ts';
import type { RunningStack } from '../../stack/start-stack.ts';

export interface Sink {
  /** Begins with its kind: log, database, event, metrics, traces, cache, answers or command. */
  readonly name: string;
  readonly text: string;
}

const databases = ['user', 'order', 'payment'] as const;

/** All that the programs of a stack said. */
export function readLogs({ directory }: RunningStack): Sink[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|\/)logs?\//.test(file) || file.endsWith('.log'))
    .filter((file) => statSync(path.join(directory, file)).isFile())
    .map((file) => ({ name: `log ${file}`, text: readFileSync(path.join(directory, file), 'latin1') }));
}

/** All that nginx keeps, with the addresses that it was asked for. */
export const readCache = ({ directory }: RunningStack): Sink[] =>
  cachedFiles(directory).map((file) => ({ name: 'cache', text: readFileSync(file, 'latin1') }));

/** All rows of all tables, as text. */
export async function readDatabases({ environment }: RunningStack): Promise<Sink[]> {
  const sinks: Sink[] = [];
  for (const database of databases) {
    const client = new pg.Client({ connectionString: environment[`${database.toUpperCase()}_DATABASE_URL`] });
    await client.connect();
    try {
      const { rows: tables } = await client.query<{ name: string }>(
        `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
      );
      for (const { name } of tables) {
        const { rows } = await client.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t`);
        sinks.push({ name: `database ${database} ${name}`, text: rows.map(({ text }) => text).join('\n') });
      }
    } finally {
      await client.end();
    }
  }
  return sinks;
}

/** Consumes every event from now on. */
export async function listenToEvents({ environment }: RunningStack): Promise<{ read(): Sink; stop(): Promise<void> }> {
  const connection = await amqp.connect(environment.RABBITMQ_URL ?? '');
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'microservices.events', '#');
  const received: string[] = [];
  await channel.consume(
    queue,
    (message) => {
      if (message) received.push(JSON.stringify(message.properties) + message.content.toString());
    },
    { noAck: true },
  );
  return { read: () => ({ name: 'event', text: received.join('\n') }), stop: () => connection.close() };
}

/** The metrics of every process that has some. */
export async function readMetrics({ urls, environment }: RunningStack): Promise<Sink[]> {
  const { gateway, userService, orderService, paymentService } = urls;
  const rabbitmq = `http://127.0.0.1:${environment.RABBITMQ_METRICS_PORT}`;
  return Promise.all(
    Object.entries({ gateway, userService, orderService, paymentService, rabbitmq }).map(async ([name, url]) => {
      const response = await fetch(`${url}/metrics`);
      return { name: `metrics ${name}`, text: await response.text() };
    }),
  );
}

/** What every user of the machine sees of its processes. */
export function readCommandLines(): Sink[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      try {
        return [{ name: `command ${pid}`, text: readFileSync(`/proc/${pid}/cmdline`, 'latin1') }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}
