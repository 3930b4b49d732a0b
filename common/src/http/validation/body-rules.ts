import validator from 'validator';
import type { FieldFault } from '../../errors/index.js';
import { currencies, isCurrency, MAX_MINOR_UNITS } from '../../money/index.js';
import { canonicalEmail, MAX_EMAIL_LENGTH } from './email-address.js';
import { objectSchema } from './json-schema.js';
import { rawText } from './raw-text.js';
import { invalid, optional, refine, rule, valid, type Parsed, type Rule, type RuleSet } from './rule.js';
import { visibleText } from './visible-text.js';

/** Something to see: at least one character that is no space and no control. */
const VISIBLE = '[^\\s\\u0000-\\u001f\\u007f-\\u00a0]';

const isBetween = (length: number, min: number, max: number): boolean => length >= min && length <= max;

/** Text of `min` to `max` code points that can be seen, trimmed and in Unicode's form NFC. */
export const text = ({ min = 1, max }: { min?: number; max: number }): Rule<string> =>
  refine(
    rawText,
    (raw) => {
      const value = visibleText(raw);
      // A code point is at least one UTF-16 unit: what has fewer units than `max` needs no counting.
      const length = value.length > max ? Array.from(value).length : value.length;
      if (value === '' && min > 0) return invalid('must not be empty');
      return isBetween(length, min, max) ? valid(value) : invalid(`must have ${min} to ${max} characters`);
    },
    { minLength: min, maxLength: max, ...(min > 0 && { pattern: VISIBLE }) },
  );

/** Text that need not be there: what is absent or empty is null. */
export const optionalText = ({ max }: { max: number }): Rule<string | null> =>
  refine(optional(text({ min: 0, max })), (value) => valid(value || null));

/** An e-mail address, in its canonical form. */
export const email = (): Rule<string> =>
  refine(
    rawText,
    (raw) => {
      const value = canonicalEmail(raw);
      return value === undefined ? invalid('Invalid email format') : valid(value);
    },
    { format: 'email', maxLength: MAX_EMAIL_LENGTH, examples: ['ada@example.com'] },
  );

/** Any well-formed UUID, in lower case. */
export const uuid = (): Rule<string> =>
  refine(
    rawText,
    (value) => (validator.isUUID(value, 'loose') ? valid(value.toLowerCase()) : invalid('must be a UUID')),
    { format: 'uuid', examples: ['019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b'] },
  );

/** A JSON number without a fraction. */
export const integer = ({ min, max }: { min: number; max: number }): Rule<number> =>
  rule({ type: 'integer', minimum: min, maximum: max, examples: [min] }, (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return invalid('must be a whole number');
    return isBetween(value, min, max) ? valid(value) : invalid(`must be from ${min} to ${max}`);
  });

/** A positive JSON number; whether it fits its currency is for `toMinorUnits` to say. */
export const amount = (): Rule<number> =>
  rule(
    {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: Number(MAX_MINOR_UNITS),
      description: 'In major units, with no more decimals than the currency has.',
      examples: [19.99],
    },
    (value) => {
      if (typeof value !== 'number') return invalid('must be a number');
      return value > 0 ? valid(value) : invalid('must be greater than 0');
    },
  );

/** JSON's true or false. */
export const flag = (): Rule<boolean> =>
  rule({ type: 'boolean', examples: [true] }, (value) =>
    typeof value === 'boolean' ? valid(value) : invalid('must be true or false'),
  );

/** One of a fixed set of words. */
export const oneOf = <const T extends readonly string[]>(words: T): Rule<T[number]> =>
  rule({ type: 'string', enum: words }, (value) => {
    const word = words.find((candidate) => candidate === value);
    return word === undefined ? invalid(`must be one of ${words.join(', ')}`) : valid(word);
  });

/** The code of a currency that something is already stored in, which need not be one of today's. */
export const currencyCode = (): Rule<string> =>
  refine(rawText, (value) => (/^[A-Z]{3}$/.test(value) ? valid(value) : invalid('must be three upper-case letters')), {
    pattern: '^[A-Z]{3}$',
    maxLength: 3,
    examples: ['USD'],
  });

/** A currency of ISO 4217 that circulates today, in upper case: for new amounts. */
export const currency = (): Rule<string> =>
  refine(rawText, (value) => (isCurrency(value) ? valid(value) : invalid('must be a currency code of ISO 4217')), {
    enum: currencies,
    examples: ['USD'],
  });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list of `min` to `max` objects; fields without a rule are left out. */
export const listOf = <R extends RuleSet>(rules: R, { min, max }: { min: number; max: number }): Rule<Parsed<R>[]> =>
  rule({ type: 'array', items: objectSchema(rules), minItems: min, maxItems: max }, (list) => {
    if (!Array.isArray(list)) return invalid('must be a list');
    if (!isBetween(list.length, min, max)) return invalid(`must have ${min} to ${max} entries`);
    const faults: FieldFault[] = [];
    const values = list.map((item: unknown, index) => {
      if (!isRecord(item)) faults.push({ field: `[${index}]`, message: 'must be an object' });
      const parsed: Record<string, unknown> = {};
      for (const [name, { check }] of isRecord(item) ? Object.entries(rules) : []) {
        const result = check((item as Record<string, unknown>)[name]);
        if ('value' in result) parsed[name] = result.value;
        else faults.push(...result.faults.map((f) => ({ ...f, field: `[${index}].${name}${f.field}` })));
      }
      return parsed;
    });
    // Each entry holds the outcome of every rule, or there are faults.
    return faults.length > 0 ? { faults } : valid(values as Parsed<R>[]);
  });
