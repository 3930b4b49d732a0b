export {
  amount,
  currency,
  currencyCode,
  email,
  flag,
  integer,
  listOf,
  oneOf,
  optionalText,
  text,
  uuid,
} from './body-rules.js';
export { password, presentedPassword } from './passwords.js';
export { queryFlag, queryIds, queryInteger, queryTime, refuseTurnedRange } from './query-rules.js';
export { exampleOf, objectSchema, type JsonSchema } from './json-schema.js';
export {
  described,
  invalid,
  optional,
  refine,
  rule,
  valid,
  withDefault,
  type Parsed,
  type Rule,
  type RuleSet,
} from './rule.js';
export { bodyOf, paramsOf, queryOf, refineBody, refineQuery, type BodyValidator, type Validator } from './validator.js';
