import type { Request } from 'express';
import { body } from 'express-validator';
import { InvalidInput, type FieldFault } from '../../errors/index.js';
import type { JsonSchema } from './json-schema.js';
import type { Parsed, RuleResult, RuleSet } from './rule.js';

/** Reads one part of a request. Throws InvalidInput with every fault. */
export interface Validator<T, Read = T> {
  (request: Request): Read;
  /** What the part may contain. */
  readonly rules: RuleSet;
  /** What holds for the part as a whole, for clients to read. */
  readonly constraints?: JsonSchema;
}

/** Reads its body, for which it rejects with them. */
export type BodyValidator<T> = Validator<T, Promise<T>>;

/** Each rule of the set runs once, on the field of its name. */
function parseFields(rules: RuleSet, part: Readonly<Record<string, unknown>>): RuleResult<Record<string, unknown>> {
  const faults: FieldFault[] = [];
  const value: Record<string, unknown> = {};
  for (const [name, { check }] of Object.entries(rules)) {
    const result = check(part[name]);
    if ('value' in result) value[name] = result.value;
    else faults.push(...result.faults.map((fault) => ({ ...fault, field: `${name}${fault.field}` })));
  }
  return faults.length > 0 ? { faults } : { value };
}

function parsed<R extends RuleSet>(result: RuleResult<Record<string, unknown>>): Parsed<R> {
  if ('faults' in result) throw new InvalidInput(result.faults);
  return result.value as Parsed<R>; // each field holds the outcome of its own rule
}

/**
 * One chain of express-validator for the body as a whole: a chain costs several times what the rules do. The request itself
 * stays as it was received.
 */
function bodyReader<R extends RuleSet>(rules: R): (request: Request) => Promise<Parsed<R>> {
  const chain = body().customSanitizer((fields: Record<string, unknown>) => parseFields(rules, fields));
  return async (request) => {
    // The chain puts what it makes in the place of the body: here, so that the request's own stays as it came.
    const read: { body: unknown } = { body: request.body };
    await chain.run(read);
    return parsed<R>(read.body as RuleResult<Record<string, unknown>>);
  };
}

/** Reads a JSON body. Fields without a rule are left out. */
export function bodyOf<R extends RuleSet>(rules: R): BodyValidator<Parsed<R>> {
  const read = bodyReader(rules);
  return Object.assign(
    async (request: Request) => {
      const isObject = typeof request.body === 'object' && request.body !== null && !Array.isArray(request.body);
      if (!isObject) throw new InvalidInput([{ field: 'body', message: 'must be a JSON object' }]);
      return read(request);
    },
    { rules },
  );
}

/** Reads the path's parameters: they are text, which takes no chain. */
export const paramsOf = <R extends RuleSet>(rules: R): Validator<Parsed<R>> =>
  Object.assign(({ params }: Request) => parsed<R>(parseFields(rules, params)), { rules });

/** Reads the query string, likewise. A parameter without a rule is a fault. */
export function queryOf<R extends RuleSet>(rules: R): Validator<Parsed<R>> {
  return Object.assign(
    ({ query }: Request) => {
      const unknown = Object.keys(query).filter((name) => !Object.hasOwn(rules, name));
      if (unknown.length > 0) {
        throw new InvalidInput(unknown.map((field) => ({ field, message: 'is not a known parameter' })));
      }
      return parsed<R>(parseFields(rules, query));
    },
    { rules },
  );
}

/** A further step on a query that passed its rules. */
export const refineQuery = <T, U>(base: Validator<T>, check: (value: T, request: Request) => U): Validator<U> =>
  Object.assign((request: Request) => check(base(request), request), { rules: base.rules });

/** A further step on a body that passed its rules; `constraints` is what it adds for clients to read. */
export const refineBody = <T, U>(
  base: BodyValidator<T>,
  check: (value: T) => U,
  constraints: JsonSchema,
): BodyValidator<U> =>
  Object.assign(async (request: Request) => check(await base(request)), { rules: base.rules, constraints });
