// The system under test: every process can be killed at any time and comes back by itself after a while.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { hasCode } from '../../stack/errors.ts';
import { signalProcess } from '../../stack/processes.ts';
import { startStack, type RunningStack } from '../../stack/start-stack.ts';
import { installGates } from './gate.ts';
import { ChaosProviders } from './providers.ts';
import { databases, services, victims, type DatabaseName, type Victim } from './plan.ts';

export interface ChaosSystemOptions {
  /** Holds data and logs. */
  directory: string;
  /** Seconds for which an order can be paid. */
  paymentWindow: number;
  /** Notified of what happens to processes. */
  note: (line: string) => void;
  progress: (line: string) => void;
}

/** PostgreSQL as people run it: what it has confirmed is on disk. */
const durable = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
const comebackTimeoutMs = 120_000;
const startPauseMs = 200;

export class ChaosSystem {
  readonly urls: RunningStack['urls'];
  readonly environment: Record<string, string>;
  /** Seconds for which an order can be paid. */
  readonly paymentWindow: number;
  readonly providers: ChaosProviders;
  /** What must not happen to processes at all, and has happened. */
  readonly faults: string[] = [];
  readonly #stack: RunningStack;
  readonly #note: (line: string) => void;
  #pools: Record<DatabaseName, pg.Pool>;
  readonly #downUntil = new Map<Victim, number>();
  readonly #comebacks = new Map<Victim, Promise<void>>();

  static async start(options: ChaosSystemOptions): Promise<ChaosSystem> {
    const faults: string[] = [];
    const providers = await ChaosProviders.start();
    const stack = await startStack({
      changes: (service) => (service === 'payment-service' ? providers.environment : {}),
      directory: options.directory,
      postgresSettings: durable,
      environment: {
        BCRYPT_COST: '4',
        LOG_LEVEL: 'info',
        GATEWAY_RATE_LIMIT: '10000',
        NEW_QUERY_TIME_PER_CLIENT: '10000/1s',
        NEW_QUERY_TIME_IN_ALL: '10000/1s',
        SERVICE_RATE_LIMIT: '10000',
        REGISTRATION_LIMIT: '1000000/1h',
        LOGIN_ADDRESS_LIMIT: '1000000/1h',
        LOGIN_RATE_LIMIT: '1000000/1h',
        REFRESH_LIMIT: '1000000/1h',
        PROVIDER_TIMEOUT: '1s',
        REFUND_RETRY_PAUSE: '1s',
        ORDER_PAYMENT_WINDOW: `${options.paymentWindow}s`,
      },
      events: {
        message: options.note,
        crashed: (name, ending) => faults.push(`${name} ended unasked (${ending})`),
        ready: (name, milliseconds) => options.progress(`✓ ${name} ${(milliseconds / 1_000).toFixed(1)} s`),
      },
    });
    providers.notify(stack.urls.paymentService);
    const system = new ChaosSystem({ stack, providers, faults }, options);
    for (const name of databases) await installGates(system.databaseUrl(name));
    return system;
  }

  private constructor(
    { stack, providers, faults }: { stack: RunningStack; providers: ChaosProviders; faults: string[] },
    { note, paymentWindow }: ChaosSystemOptions,
  ) {
    this.#stack = stack;
    this.providers = providers;
    this.#note = note;
    this.paymentWindow = paymentWindow;
    this.urls = stack.urls;
    this.environment = stack.environment;
    this.faults = faults;
    this.#pools = this.#openPools();
  }

  #openPools(): Record<DatabaseName, pg.Pool> {
    const pool = (name: DatabaseName) => {
      const created = new pg.Pool({
        connectionString: this.databaseUrl(name),
        max: 3,
        connectionTimeoutMillis: 5_000,
        query_timeout: 30_000,
        application_name: 'chaos',
      });
      // Connections die with the server, idle or in use; those in use fail their query, too.
      created.on('error', () => undefined);
      created.on('connect', (client) => client.on('error', () => undefined));
      return created;
    };
    return { user: pool('user'), order: pool('order'), payment: pool('payment') };
  }

  databaseUrl(name: DatabaseName): string {
    const url = this.environment[`${name.toUpperCase()}_DATABASE_URL`];
    if (!url) throw new Error(`the database ${name} has no URL`);
    return url;
  }

  /** Rows of one of the databases. `Row` is the caller's word for what the statement selects. */
  async query<Row extends pg.QueryResultRow>(name: DatabaseName, text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pools[name].query<Row>(text, values)).rows;
  }

  /** Ends a process and its children at once; it comes back by itself after `downtime` milliseconds. */
  async kill(name: Victim, { downtime }: { downtime: number }): Promise<void> {
    const supervised = this.#stack.process(name);
    const { identity } = supervised;
    this.#downUntil.set(name, Date.now() + downtime);
    const children = identity ? childrenOf(identity.pid) : [];
    await supervised.kill('SIGKILL');
    for (const pid of children) signalProcess(pid, 'SIGKILL');
    this.#note(`${name}: ${identity ? `killed (pid ${identity.pid})` : 'is down already'}, back in ${downtime} ms`);
    this.#comeBack(name);
  }

  /** Asks a process to stop, and kills it when it is still there after `grace` milliseconds. Returns whether it was. */
  async shutDownAndKill(name: Victim, { grace, downtime }: { grace: number; downtime: number }): Promise<boolean> {
    const supervised = this.#stack.process(name);
    const { identity } = supervised;
    const stopped = supervised.stop();
    await Promise.race([stopped, delay(grace)]);
    const wasThere = identity !== undefined && supervised.identity?.pid === identity.pid;
    await this.kill(name, { downtime });
    await stopped;
    return wasThere;
  }

  /**
   * Makes a database readable only, or writable again, for every session: those that are open are ended. Repeated until it
   * is done, since the server may be killed meanwhile. Answers how many sessions were ended.
   */
  async setReadOnly(name: DatabaseName, isReadOnly: boolean): Promise<number> {
    const deadline = Date.now() + comebackTimeoutMs;
    for (;;) {
      const client = new pg.Client({ connectionString: this.databaseUrl(name), application_name: 'chaos' });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.query('SET default_transaction_read_only = off');
        await client.query(
          `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}', current_database()); END $$`,
        );
        const { rowCount } = await client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name NOT LIKE 'chaos%'`,
        );
        this.#note(`${name} database: ${isReadOnly ? 'read-only' : 'writable again'}`);
        return rowCount ?? 0;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(startPauseMs);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  freeze(name: Victim): void {
    this.#stack.process(name).pause();
  }

  resume(name: Victim): void {
    this.#stack.process(name).resume();
  }

  isUp(name: Victim): boolean {
    return this.#stack.process(name).isReady && !this.#comebacks.has(name);
  }

  /** Resolves once all of these are up. */
  async up(names: readonly Victim[] = victims): Promise<void> {
    while (names.some((name) => !this.isUp(name))) {
      await Promise.all(names.flatMap((name) => this.#comebacks.get(name) ?? []));
      await delay(20); // a process that nobody killed is started again by its supervisor
    }
  }

  /** Services that don't answer that they are ready and that all they depend on is. */
  async notReady(): Promise<string[]> {
    const { gateway, userService, orderService, paymentService } = this.urls;
    const urls = {
      gateway,
      'user-service': userService,
      'order-service': orderService,
      'payment-service': paymentService,
    };
    const states = await Promise.all(
      services.map(async (name) => {
        const response = await fetch(`${urls[name]}/ready`, { signal: AbortSignal.timeout(5_000) }).catch(
          () => undefined,
        );
        const body: unknown = await response?.json().catch(() => undefined);
        const status =
          typeof body === 'object' && body !== null && 'status' in body ? String(body.status) : 'no answer';
        return status === 'ok' ? [] : [`${name} (${status})`];
      }),
    );
    return states.flat();
  }

  /** Does some work while no service runs, and nobody is connected to a database: the servers alone are up. */
  async withoutServices<Result>(work: () => Promise<Result>): Promise<Result> {
    await Promise.all(services.map((name) => this.#stack.process(name).stop()));
    await Promise.all(Object.values(this.#pools).map((pool) => pool.end()));
    const result = await work();
    this.#pools = this.#openPools();
    for (const name of services) await this.#stack.process(name).start();
    return result;
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.end()));
    await this.#stack.stop();
    await this.providers.stop();
  }

  #comeBack(name: Victim): void {
    const previous = this.#comebacks.get(name) ?? Promise.resolve();
    const comeback = previous
      .then(() => this.#startUntilUp(name))
      .finally(() => {
        if (this.#comebacks.get(name) === comeback) this.#comebacks.delete(name);
      });
    this.#comebacks.set(name, comeback);
  }

  /** A service doesn't start without its database, nor a server while what it has left behind is still ending. */
  async #startUntilUp(name: Victim): Promise<void> {
    const supervised = this.#stack.process(name);
    const deadline = Date.now() + comebackTimeoutMs;
    for (;;) {
      await delay(Math.max(0, (this.#downUntil.get(name) ?? 0) - Date.now()));
      try {
        await supervised.start();
        if (supervised.isReady) return;
      } catch (error) {
        if (Date.now() > deadline) {
          this.faults.push(`${name} does not come back: ${String(error)}`);
          return;
        }
      }
      await delay(startPauseMs);
    }
  }
}

/** PostgreSQL's processes are no group: each is one of its own. */
function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children.split(' ').filter(Boolean).map(Number);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return [];
    throw error;
  }
}
