import { InvalidInput } from '../../errors/index.js';
import { invalid, refine, rule, valid, type Rule } from './rule.js';
import { uuid } from './body-rules.js';
import { parseDateTime } from './time.js';

/** Batch reads take this many ids at most. */
const MAX_IDS = 100;

/** A parameter of a query string that is given once. */
export const queryText = rule({ type: 'string' }, (value) =>
  typeof value === 'string' ? valid(value) : invalid('must be given once'),
);

const queryTexts = rule({ type: 'array' }, (value) => {
  const texts = [value].flat().filter((text) => typeof text === 'string');
  return texts.length === [value].flat().length ? valid(texts) : invalid('must be UUIDs separated by commas');
});

/** A whole number in a query string. */
export const queryInteger = ({ min, max }: { min: number; max: number }): Rule<number> =>
  refine(
    queryText,
    (value) => {
      if (!/^-?\d{1,15}$/.test(value)) return invalid('must be a whole number');
      const number = Number(value);
      return number >= min && number <= max ? valid(number) : invalid(`must be from ${min} to ${max}`);
    },
    { type: 'integer', minimum: min, maximum: max, examples: [min] },
  );

/** true or false in a query string. */
export const queryFlag = (): Rule<boolean> =>
  refine(
    queryText,
    (value) => (value === 'true' || value === 'false' ? valid(value === 'true') : invalid('must be true or false')),
    { type: 'boolean', examples: [true] },
  );

/** A moment in RFC 3339, such as 2026-01-31T12:00:00Z, of the years 1 to 9999. */
export const queryTime = (): Rule<Date> =>
  refine(
    queryText,
    (value) => {
      const time = parseDateTime(value);
      return time === undefined
        ? invalid('must be a time that exists, as in 2026-01-31T12:00:00Z (RFC 3339)')
        : valid(time);
    },
    { format: 'date-time', examples: ['2026-01-31T12:00:00Z'] },
  );

/** Throws InvalidInput where the second of two parameters is a moment before the first. */
export function refuseTurnedRange(range: Readonly<Record<string, Date | undefined>>): void {
  const [[from, start] = [], to] = Object.entries(range);
  const [field, end] = to ?? [];
  if (field !== undefined && start !== undefined && end !== undefined && end < start) {
    throw new InvalidInput([{ field, message: `must not be before ${from}` }]);
  }
}

const id = uuid();

/** Up to 100 UUIDs, separated by commas, or the parameter given several times. Those that are there twice come once. */
export const queryIds = (): Rule<string[]> =>
  refine(
    queryTexts,
    (values) => {
      const parts = values.flatMap((value) => value.split(','));
      const ids = new Set<string>();
      for (const part of parts) {
        const result = id.check(part);
        if (!('value' in result)) return invalid('must be UUIDs separated by commas');
        ids.add(result.value);
      }
      return parts.length <= MAX_IDS ? valid([...ids]) : invalid(`must have at most ${MAX_IDS} ids`);
    },
    { items: id.schema, minItems: 1, maxItems: MAX_IDS },
  );
