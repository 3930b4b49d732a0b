import { z } from 'zod';

const MAX_CAUSES = 10;

/** The parts that matter of pg's own errors and of those of Prisma's driver adapter. */
const databaseFailure = z
  .union([
    z.object({ code: z.string().regex(/^[0-9A-Z]{5}$/), severity: z.string(), constraint: z.string().optional() }),
    z.object({
      originalCode: z.string(),
      constraint: z.object({ index: z.string().optional() }).optional(),
    }),
  ])
  .transform((failure) =>
    'originalCode' in failure
      ? { sqlState: failure.originalCode, constraint: failure.constraint?.index }
      : { sqlState: failure.code, constraint: failure.constraint },
  );
type DatabaseFailure = z.infer<typeof databaseFailure>;

const prismaError = z.object({ meta: z.object({ driverAdapterError: z.unknown() }) });

/** An error and its causes, outermost first. Prisma keeps what its driver adapter threw in `meta`. */
function* causesOf(error: unknown): Generator<object> {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof current === 'object' && current !== null; depth++) {
    yield current;
    const inner: unknown = prismaError.safeParse(current).data?.meta.driverAdapterError;
    current = inner ?? ('cause' in current ? current.cause : undefined);
  }
}

/**
 * What PostgreSQL said, found among an error and its causes, whether it came through pg or Prisma.
 * `sqlState`: https://www.postgresql.org/docs/17/errcodes-appendix.html
 */
export function findDatabaseFailure(error: unknown): DatabaseFailure | undefined {
  for (const cause of causesOf(error)) {
    const failure = databaseFailure.safeParse(cause).data;
    if (failure) return failure;
  }
  return undefined;
}

/** Whether a unique constraint (or the one of that name) forbade a write. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const failure = findDatabaseFailure(error);
  return failure?.sqlState === '23505' && (constraint === undefined || failure.constraint === constraint);
}

/** Whether the write lost against another at the same time, and may well succeed when it is run again. */
export function isWriteConflict(error: unknown): boolean {
  const sqlState = findDatabaseFailure(error)?.sqlState;
  return sqlState === '40001' || sqlState === '40P01';
}

/**
 * `outage`: the database can't be reached or written, or has nothing left to give; whoever asks next fares alike.
 * `contention`: this piece of work met a lock, a time limit or a concurrent change; another may well succeed meanwhile.
 */
type TransientFailure = 'outage' | 'contention';

/**
 * Connection exceptions (08), read-only since a failover, refused credentials (28), no such database yet, insufficient
 * resources such as a full disk or no connection left (53), shutting down or starting up, system errors (58).
 */
const OUTAGE_SQL_STATE = /^(08...|25006|28...|3D000|53...|57P0[1-5]|58...)$/;
/**
 * Idle-in-transaction and transaction timeouts, a statement that the one before it should have prepared, serialization
 * failures and deadlocks, locks and statements that timed out.
 */
const CONTENTION_SQL_STATE = /^(25P0[34]|26000|40001|40003|40P01|55P03|57014)$/;

/** How Prisma's driver adapter names failures of the connection. */
const OUTAGE_KINDS = [
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError',
];
/** Node's own, of the network: https://nodejs.org/api/errors.html#common-system-errors */
const NETWORK_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
];
/** Not reached, timed out, closed, no connection in time, too many: https://www.prisma.io/docs/orm/reference/error-reference */
const PRISMA_OUTAGE_CODES = ['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1011', 'P1017', 'P2024', 'P2037'];
/** Write conflict; the transaction ran out of time. */
const PRISMA_CONTENTION_CODES = ['P2028', 'P2034'];
/** pg and Prisma distinguish these from other errors by their messages only. */
const OUTAGE_MESSAGE =
  /^Connection terminated|is not queryable$|^timeout exceeded when trying to connect$|^Query read timeout$|Unable to start a transaction in the given time|^timeout expired$/;

const outageCause = z.union([
  z.object({ kind: z.enum(OUTAGE_KINDS) }),
  z.object({ code: z.enum([...NETWORK_CODES, ...PRISMA_OUTAGE_CODES]) }),
  z.object({ message: z.string().regex(OUTAGE_MESSAGE) }),
]);
const contentionCause = z.object({ code: z.enum(PRISMA_CONTENTION_CODES) });

/**
 * Why a database didn't do its work, where that is not the fault of what was asked and trying again later may well
 * succeed; undefined for everything else. Of several failures at once all have to be transient. The one classification for
 * requests, consumers, the relay and workers.
 */
export function transientFailureOf(error: unknown): TransientFailure | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const kinds = error.errors.map(transientFailureOf);
    if (kinds.includes(undefined)) return undefined;
    return kinds.includes('outage') ? 'outage' : 'contention';
  }
  const sqlState = findDatabaseFailure(error)?.sqlState;
  if (sqlState !== undefined) {
    if (OUTAGE_SQL_STATE.test(sqlState)) return 'outage';
    return CONTENTION_SQL_STATE.test(sqlState) ? 'contention' : undefined;
  }
  const causes = [...causesOf(error)];
  if (causes.some((cause) => outageCause.safeParse(cause).success)) return 'outage';
  return causes.some((cause) => contentionCause.safeParse(cause).success) ? 'contention' : undefined;
}

/** Whether the database couldn't do its work for a reason that will pass: trying again later may well succeed. */
export const isDatabaseUnavailable = (error: unknown): boolean => transientFailureOf(error) !== undefined;

/** A session that can only read, as after a failover. It stays so when its database can be written again. */
export const READ_ONLY_SQL_STATE = '25006';
