export { amount, currency, email, flag, integer, listOf, oneOf, password, text, uuid } from './body-rules.js';
export { queryFlag, queryIds, queryInteger, queryTime } from './query-rules.js';
export { invalid, optional, refine, rule, valid, withDefault, type Parsed, type Rule, type RuleSet } from './rule.js';
export { bodyOf, paramsOf, queryOf, type Validator } from './validator.js';
