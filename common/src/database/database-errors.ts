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
export type DatabaseFailure = z.infer<typeof databaseFailure>;

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

/** Connection exceptions, shutting down, starting up, too many connections. */
const UNAVAILABLE_SQL_STATE = /^(08...|57P0[123]|53300)$/;
/** How Prisma's driver adapter names failures of the connection. */
const UNAVAILABLE_KINDS = ['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'];
/** pg and Prisma tell these from other errors by their messages only. */
const UNAVAILABLE_MESSAGE =
  /^Connection terminated|is not queryable$|^timeout exceeded when trying to connect$|^Query read timeout$|Unable to start a transaction in the given time/;

const unavailableCause = z.union([
  z.object({ kind: z.enum(UNAVAILABLE_KINDS) }),
  z.object({ message: z.string().regex(UNAVAILABLE_MESSAGE) }),
]);

/** Whether the database couldn't be reached, or had no connection to spare: trying again later may well succeed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const sqlState = findDatabaseFailure(error)?.sqlState;
  if (sqlState !== undefined) return UNAVAILABLE_SQL_STATE.test(sqlState);
  return [...causesOf(error)].some((cause) => unavailableCause.safeParse(cause).success);
}
