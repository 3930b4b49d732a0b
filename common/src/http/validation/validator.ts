import type { Request } from 'express';
import { body, matchedData, param, query, type Location, type ValidationChain } from 'express-validator';
import { InvalidInput, type FieldFault } from '../../errors/index.js';
import type { Parsed, Rule, RuleSet } from './rule.js';

/** Reads one part of a request. Throws InvalidInput with every fault. */
export type Validator<T> = (request: Request) => Promise<T>;

const chainFor = { body, query, params: param };

const faultsOf = (field: string, { check }: Rule<unknown>, value: unknown): FieldFault[] => {
  const result = check(value);
  return 'value' in result ? [] : result.faults.map((fault) => ({ ...fault, field: `${field}${fault.field}` }));
};

const toChain = (location: keyof typeof chainFor, name: string, rule: Rule<unknown>): ValidationChain =>
  chainFor[location](name)
    .custom((value) => 'value' in rule.check(value))
    .withMessage((value: unknown) => faultsOf(name, rule, value))
    .bail()
    .customSanitizer((value) => {
      const result = rule.check(value);
      return 'value' in result ? result.value : undefined;
    });

async function run<R extends RuleSet>(
  location: Location,
  chains: readonly ValidationChain[],
  request: Request,
): Promise<Parsed<R>> {
  const faults: FieldFault[] = [];
  for (const chain of chains) {
    const result = await chain.run(request);
    faults.push(...result.array().flatMap(({ msg }: { msg: FieldFault[] }) => msg));
  }
  if (faults.length > 0) throw new InvalidInput(faults);
  // Every field passed its own rule above.
  return matchedData<Parsed<R>>(request, { locations: [location], includeOptionals: true });
}

/** Reads a JSON body. Fields without a rule are left out. */
export function bodyOf<R extends RuleSet>(rules: R): Validator<Parsed<R>> {
  const chains = Object.entries(rules).map(([name, rule]) => toChain('body', name, rule));
  return (request) => {
    const isObject = typeof request.body === 'object' && request.body !== null && !Array.isArray(request.body);
    if (!isObject) throw new InvalidInput([{ field: 'body', message: 'must be a JSON object' }]);
    return run<R>('body', chains, request);
  };
}

/** Reads the path's parameters. */
export function paramsOf<R extends RuleSet>(rules: R): Validator<Parsed<R>> {
  const chains = Object.entries(rules).map(([name, rule]) => toChain('params', name, rule));
  return (request) => run<R>('params', chains, request);
}

/** Reads the query string. A parameter without a rule is a fault. */
export function queryOf<R extends RuleSet>(rules: R): Validator<Parsed<R>> {
  const chains = Object.entries(rules).map(([name, rule]) => toChain('query', name, rule));
  return (request) => {
    const unknown = Object.keys(request.query).filter((name) => !Object.hasOwn(rules, name));
    if (unknown.length > 0) {
      throw new InvalidInput(unknown.map((field) => ({ field, message: 'is not a known parameter' })));
    }
    return run<R>('query', chains, request);
  };
}
