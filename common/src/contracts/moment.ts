/** What PostgreSQL and ISO 8601 in four digits both know, from the first millisecond of year 1 to the last of 9999. */
const EARLIEST = Date.parse('0001-01-01T00:00:00.000Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/** Whether a number is a moment that every part of the system knows, in milliseconds since 1970. */
export const isMoment = (time: number): boolean => Number.isInteger(time) && time >= EARLIEST && time <= LATEST;
