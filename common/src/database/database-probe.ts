import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from '../logger/index.js';
import { findDatabaseFailure } from './database-errors.js';

const POLL = 1_000;
/** Milliseconds between questions while there is no answer. */
const FAILURE_POLL = 500;
const ANSWER_TIMEOUT = 2_000;
const CLOSE_TIMEOUT = 1_000;
/** So many questions in a row without an answer mean that it is down: one slow answer, or a short restart, does not. */
const FAILURES_UNTIL_DOWN = 3;
/** What a server says that does no work: connection exceptions, shutting down or starting up. */
const DOWN_SQL_STATE = /^(08...|57P0[1-3])$/;

/** Connections of a process beside its pool: the relay's and the readiness probe's. */
const OWN_CONNECTIONS = 2;

/** Connections that a process opens to its database at most. */
export const connectionsOfProcess = (poolSize: number): number => poolSize + OWN_CONNECTIONS;

interface DatabaseProbeOptions {
  url: string;
  service: string;
  /** Connections that one process may open in all, and how many processes may run at a time; for a warning at start. */
  budget: { connections: number; processes: number };
  logger: Logger;
}

/**
 * Knows whether a database answers, for readiness: asks once a second over a connection of its own, so that a busy pool is
 * not taken for a dead database. A refusal is an answer, too: a server without a connection to spare is not down.
 */
export class DatabaseProbe {
  readonly #options: DatabaseProbeOptions;
  readonly #stopping = new AbortController();
  #client: Client | undefined;
  #failures = 0;
  #isBudgetKnown = false;
  #running: Promise<void> | undefined;

  constructor(options: DatabaseProbeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** `down` from the third question in a row without an answer, `up` from the next answer. */
  state(): 'up' | 'down' {
    return this.#failures >= FAILURES_UNTIL_DOWN ? 'down' : 'up';
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#ask();
        this.#failures = 0;
      } catch (err) {
        await this.#close();
        const sqlState = findDatabaseFailure(err)?.sqlState;
        if (sqlState !== undefined && !DOWN_SQL_STATE.test(sqlState)) this.#failures = 0;
        else if (++this.#failures === FAILURES_UNTIL_DOWN)
          this.#options.logger.warn('database does not answer', { err });
      }
      const pause = this.#failures === 0 ? POLL : FAILURE_POLL;
      await delay(pause * (0.8 + 0.2 * Math.random()), undefined, { signal }).catch(() => undefined);
    }
    await this.#close();
  }

  async #ask(): Promise<void> {
    const client = (this.#client ??= await this.#connect());
    await client.query('SELECT 1');
    if (!this.#isBudgetKnown) await this.#checkBudget(client);
  }

  async #connect(): Promise<Client> {
    const { url, service } = this.#options;
    const client = new Client({
      connectionString: url,
      application_name: `readiness of ${service}`,
      connectionTimeoutMillis: ANSWER_TIMEOUT,
      query_timeout: ANSWER_TIMEOUT,
      keepAlive: true,
    });
    client.on('error', () => undefined); // the next question fails, too
    await client.connect();
    return client;
  }

  async #close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    // A server that has fallen silent doesn't say goodbye.
    const silence = setTimeout(() => client.connection.stream.destroy(), CLOSE_TIMEOUT);
    await client.end().catch(() => undefined);
    clearTimeout(silence);
  }

  async #checkBudget(client: Client): Promise<void> {
    const { budget, logger } = this.#options;
    const available = await connectionBudget(client);
    this.#isBudgetKnown = true;
    const needed = budget.connections * budget.processes;
    if (needed > available) {
      logger.warn('the database allows fewer connections than all processes may open', {
        available,
        needed,
        connectionsPerProcess: budget.connections,
        processes: budget.processes,
        remedy: 'lower DATABASE_POOL_SIZE or DATABASE_MAX_PROCESSES, or raise max_connections of the server',
      });
    }
  }
}

/** How many connections the user of this one may have at a time: the least of what server, database and role allow. */
async function connectionBudget(client: Client): Promise<number> {
  const { rows } = await client.query<{ available: number }>(`
    SELECT least(
      current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true)::integer, 0),
      (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
      (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)
    ) AS available`);
  return rows[0]?.available ?? 0;
}
