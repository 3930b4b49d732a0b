import { isMoment } from '../../contracts/index.js';

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * The moment that a date-time of RFC 3339 names; undefined where there is none: a day that its month hasn't, hour 24, a leap
 * second, an offset of more than 23:59. What is finer than a millisecond is rounded up: of times in whole
 * milliseconds the same ones lie before it as before.
 */
export function parseDateTime(text: string): Date | undefined {
  const parts = DATE_TIME.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const fraction = (parts[7] ?? '').padEnd(9, '0');
  const [offsetHours, offsetMinutes] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day or month that doesn't exist would have moved on to the next.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second, Number(fraction.slice(0, 3)) + (Number(fraction.slice(3)) > 0 ? 1 : 0));
  const offset = (offsetHours * 60 + offsetMinutes) * 60_000 * (parts[8] === '-' ? -1 : 1);
  const time = date.getTime() - offset;
  return isMoment(time) ? new Date(time) : undefined;
}
