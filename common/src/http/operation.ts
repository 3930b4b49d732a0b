import type { z } from 'zod';
import type { ErrorCode } from '../errors/index.js';

/** Errors that only a route itself can know; all others follow from what else it says of itself. */
type OwnError = Extract<
  ErrorCode,
  'UNAUTHORIZED' | 'PAYMENT_DECLINED' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT' | 'UPSTREAM_TIMEOUT'
>;

/** What stands in a successful answer: its message, and one resource, a list of them or, with null, nothing. */
export type SuccessContent = { readonly message: string } & (
  { readonly data: z.ZodType | null } | { readonly list: z.ZodType }
);

/** What clients read of a route, beside its path, its access and its rules. */
export interface Operation {
  /** Unique in the whole system: generated clients have a function of this name. */
  readonly id: string;
  /** One line, as a command: Place an order. */
  readonly summary: string;
  readonly description?: string;
  readonly replies: Readonly<Partial<Record<200 | 201 | 202, SuccessContent>>>;
  readonly errors: readonly OwnError[];
  /** False where an answer shows more than one resource, so that no ETag names it. */
  readonly hasVersion?: false;
}
