import { PrismaPg } from '@prisma/adapter-pg';
import pg, { type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import type { Metrics } from '../metrics/index.js';
import type { Tracing } from '../tracing/index.js';
import { ConnectionPool } from './connection-pool.js';
import { createDatabaseMetrics } from './database-metrics.js';
import { tolerateLostConnections } from './lost-connections.js';
import { observeQueries, observer, type ObserveQuery } from './observe-queries.js';
import type { Statement } from './prepared-statements.js';
import { replaceReadOnlyConnections } from './read-only-connections.js';
import { breakSilentConnections } from './silent-connections.js';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** Longer than the server's own limit: speaks up only when the server has fallen silent. */
const ANSWER_TIMEOUT_MS = 15_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000;
const IDLE_CONNECTION_MS = 60_000;
const MAX_PREPARED_STATEMENTS = 500;

interface DatabaseAdapterOptions {
  url: string;
  /** Connections kept at most. */
  poolSize: number;
  /** Shown in PostgreSQL's `pg_stat_activity`. */
  applicationName: string;
  /** Notified when a connection breaks that no query is using, or a transaction; the pool replaces it by itself. */
  onConnectionLost?: (error: Error) => void;
  /** Gets the databaseMetrics of the pool and of its queries, where given. */
  metrics?: Metrics;
  /** Gets a span for each query that belongs to a trace, where given. */
  tracing?: Tracing | undefined;
}

/**
 * One name for each text of a query, so that PostgreSQL parses it once a connection. Statements live as long as their
 * connection, so their number is bounded; the rest go unnamed, which PostgreSQL forgets after use.
 */
function createStatementNames(): (query: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined) return known;
    if (names.size >= MAX_PREPARED_STATEMENTS) return '';
    const name = `statement_${names.size}`;
    names.set(sql, name);
    return name;
  };
}

/** As $queryRaw has them: pg would leave int8 a text. */
const rowTypes = new pg.TypeOverrides();
rowTypes.setTypeParser(pg.types.builtins.INT8, BigInt);

/** As pg makes it of a configuration too, but that it would copy, property by property, at the cost of all the rest. */
class PreparedQuery extends pg.Query {
  readonly name: string;
  declare readonly text: string;

  constructor(name: string, { text, values }: Statement) {
    super(text, [...values]);
    this.name = name;
  }
}

/** What a generated Prisma client takes as `adapter`. Its connections close on the client's `$disconnect()`. */
export class DatabaseAdapter extends PrismaPg {
  readonly connections: ConnectionPool;
  readonly #nameOf: (query: { sql: string }) => string;
  readonly #observe: ObserveQuery;

  constructor({ url, poolSize, applicationName, onConnectionLost, metrics, tracing }: DatabaseAdapterOptions) {
    const pool = new ConnectionPool({
      connectionString: url,
      max: poolSize,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      // Prisma's adapter writes times without their offset and reads them as if it were zero.
      options: '-c TimeZone=UTC',
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_CONNECTION_MS,
      keepAlive: true,
      pipeline: true,
      types: rowTypes,
    });
    tolerateLostConnections(pool);
    replaceReadOnlyConnections(pool);
    breakSilentConnections(pool, ANSWER_TIMEOUT_MS);
    // A query that timed out inside a transaction leaves it open: the next user's writes would never be committed.
    pool.on('release', (_error, client) => {
      if (client.getTransactionStatus() !== 'I') void client.end();
    });
    const nameOf = createStatementNames();
    super(pool, {
      disposeExternalPool: true,
      statementNameGenerator: nameOf,
      ...(onConnectionLost && { onPoolError: onConnectionLost, onConnectionError: onConnectionLost }),
    });
    this.connections = pool;
    this.#nameOf = nameOf;
    const databaseMetrics = metrics && createDatabaseMetrics(metrics, { pool, poolName: applicationName, poolSize });
    this.#observe = observer({ databaseMetrics, tracing });
  }

  override async connect(): ReturnType<PrismaPg['connect']> {
    return observeQueries(await super.connect(), this.#observe);
  }

  /** One prepared statement past Prisma, outside of any transaction: preparedStatements. */
  runPrepared<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    return this.#run<Row>(statement, (query) => this.connections.query<Row>(query));
  }

  /** Likewise, of up to so many rows that an index finds at once. */
  lookup<Row extends QueryResultRow>(statement: Statement, rows = 1): Promise<Row[]> {
    return this.#run<Row>(statement, (query) => this.connections.lookup<Row>(query, rows));
  }

  async #run<Row extends QueryResultRow>(
    statement: Statement,
    send: (query: QueryConfig) => Promise<QueryResult<Row>>,
  ): Promise<Row[]> {
    const { text } = statement;
    const ended = this.#observe(text);
    try {
      const { rows } = await send(new PreparedQuery(this.#nameOf({ sql: text }), statement));
      ended();
      return rows;
    } catch (error) {
      ended(error);
      throw error;
    }
  }
}

/** A pool of connections with prepared statements and a limit on every wait, for `new PrismaClient({ adapter })`. */
export function createDatabaseAdapter(options: DatabaseAdapterOptions): DatabaseAdapter {
  return new DatabaseAdapter(options);
}
