import { invalid, rule, valid } from './rule.js';

/** Text that PostgreSQL and UTF-8 can hold, as it came. */
export const rawText = rule({ type: 'string' }, (value) => {
  if (typeof value !== 'string') return invalid('must be a string');
  if (value.includes('\0')) return invalid('must not contain NUL');
  if (!value.isWellFormed()) return invalid('must be valid Unicode');
  return valid(value);
});
