import { invalid, refine, rule, valid, type Rule } from './rule.js';
import { uuid } from './body-rules.js';

/** Batch reads take this many ids at most. */
const MAX_IDS = 100;

const queryText = rule((value) => (typeof value === 'string' ? valid(value) : invalid('must be given once')));

/** A whole number in a query string. */
export const queryInteger = ({ min, max }: { min: number; max: number }): Rule<number> =>
  refine(queryText, (value) => {
    if (!/^-?\d{1,15}$/.test(value)) return invalid('must be a whole number');
    const number = Number(value);
    return number >= min && number <= max ? valid(number) : invalid(`must be from ${min} to ${max}`);
  });

/** true or false in a query string. */
export const queryFlag = (): Rule<boolean> =>
  refine(queryText, (value) =>
    value === 'true' || value === 'false' ? valid(value === 'true') : invalid('must be true or false'),
  );

/** A moment in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z. */
export const queryTime = (): Rule<Date> =>
  refine(queryText, (value) => {
    const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(value);
    const time = new Date(value);
    return isMoment && !Number.isNaN(time.getTime()) ? valid(time) : invalid('must be a time in ISO 8601, with offset');
  });

/** Up to 100 UUIDs separated by commas, each once. */
export const queryIds = (): Rule<string[]> =>
  refine(queryText, (value) => {
    const ids = new Set<string>();
    for (const part of value.split(',')) {
      const result = uuid().check(part);
      if (!('value' in result)) return invalid('must be UUIDs separated by commas');
      ids.add(result.value);
    }
    return ids.size <= MAX_IDS ? valid([...ids]) : invalid(`must have at most ${MAX_IDS} ids`);
  });
