import type { FieldFault } from '../../errors/index.js';
import type { JsonSchema } from './json-schema.js';

/** A parsed value, or what is wrong; a fault's `field` is relative to the value ('' is the value itself). */
export type RuleResult<T> = { readonly value: T } | { readonly faults: readonly FieldFault[] };

/** What a field may hold: from anything that JSON or a query string can carry to a parsed value. */
export interface Rule<T> {
  readonly check: (value: unknown) => RuleResult<T>;
  /** Whether the field may be absent (or null). */
  readonly optional: boolean;
  /** The same for clients to read, with an example. What no schema can say, its description does. */
  readonly schema: JsonSchema;
}

export type RuleSet = Readonly<Record<string, Rule<unknown>>>;
/** What comes out of a set of rules. */
export type Parsed<R extends RuleSet> = { [K in keyof R]: R[K] extends Rule<infer T> ? T : never };

export const valid = <T>(value: T): RuleResult<T> => ({ value });
export const invalid = (message: string): RuleResult<never> => ({ faults: [{ field: '', message }] });

export const rule = <T>(schema: JsonSchema, check: (value: unknown) => RuleResult<T>): Rule<T> => ({
  schema,
  optional: false,
  check: (value) => (value === undefined || value === null ? invalid('is required') : check(value)),
});

/** A further step on a value that passed a rule; `schema` is what it adds to the rule's. */
export const refine = <T, U>(base: Rule<T>, check: (value: T) => RuleResult<U>, schema: JsonSchema = {}): Rule<U> => ({
  schema: { ...base.schema, ...schema },
  optional: base.optional,
  check: (value) => {
    const result = base.check(value);
    return 'value' in result ? check(result.value) : result;
  },
});

/** The field may be absent; null counts as absent. */
export const optional = <T>(base: Rule<T>): Rule<T | undefined> => ({
  schema: base.schema,
  optional: true,
  check: (value) => (value === undefined || value === null ? valid(undefined) : base.check(value)),
});

/** The field may be absent, and then has this value. */
export const withDefault = <T>(base: Rule<T>, fallback: T): Rule<T> => ({
  schema: { ...base.schema, default: fallback },
  optional: true,
  check: (value) => (value === undefined || value === null ? valid(fallback) : base.check(value)),
});

/** The same rule, with what a client should know of the field that it is for. */
export const described = <T>(base: Rule<T>, description: string, example?: unknown): Rule<T> => ({
  ...base,
  schema: { ...base.schema, description, ...(example !== undefined && { examples: [example] }) },
});
