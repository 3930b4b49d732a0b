import { describe, expect, it } from '@jest/globals';
import { belongsTo, readableLine, timeOf } from './log-lines.ts';

const plain = (_style: unknown, text: string): string => text;
const read = (line: string | object) =>
  readableLine('gateway', typeof line === 'string' ? line : JSON.stringify(line), plain);
const entry = { time: '2026-01-31T12:00:00.123Z', level: 'info', service: 'gateway', message: 'request' };

describe('a line as people read it', () => {
  it('of a service -> time, service, level, message, facts; nothing that says nothing', () => {
    const line = { ...entry, requestId: 'r-1', status: 200, seconds: 0.004, actorId: null, upstream: '' };
    expect(read(line)).toBe('12:00:00.123 gateway INFO  request requestId=r-1 status=200 seconds=0.004');
  });

  it('of nginx, in the time of its place -> in UTC, its request as the message, its status as the level', () => {
    const line = { time: '2026-01-31T13:00:00+01:00', method: 'GET', path: '/graphql', status: 503 };
    expect(read(line)).toBe('12:00:00.000 gateway ERROR GET /graphql method=GET path=/graphql status=503');
    expect(read({ ...line, status: 404 })).toContain('WARN');
    expect(read({ ...line, status: 304 })).toContain('INFO');
  });

  it('with an error -> its stack on lines of its own', () => {
    const err = { name: 'Error', message: 'broken', stack: 'Error: broken\n    at a (b.ts:1:1)' };
    expect(read({ ...entry, level: 'error', err })).toBe(
      '12:00:00.123 gateway ERROR request\n    Error: broken\n    at a (b.ts:1:1)',
    );
    expect(read({ ...entry, err: { name: 'Error', message: 'broken' } })).toContain('\n    Error: broken');
  });

  it('each level -> in its own style', () => {
    const styles: string[] = [];
    for (const level of ['error', 'warn', 'info', 'debug']) {
      readableLine('gateway', JSON.stringify({ ...entry, level }), (style, text) => {
        if (text.trim() === level.toUpperCase()) styles.push(String(style));
        return text;
      });
    }
    expect(styles).toEqual(['red', 'yellow', 'green', 'dim']);
  });

  it('what a client has sent -> does not steer the terminal', () => {
    const hostile = '\u001b[31mred\u0007\u009b2J\nforged line\u202e';
    for (const line of [
      hostile,
      { ...entry, message: hostile },
      { ...entry, [hostile]: hostile },
      { err: { stack: hostile } },
    ]) {
      expect(read(line).replaceAll('\n    ', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    }
  });

  it.each(['LOG:  database system is ready', '{ no JSON', '', '{"time":1}', '{"level":"none","time":"never"}'])(
    '%j, of another form -> shown as it is',
    (line) => {
      expect(read(line)).toContain('gateway');
      expect(read('LOG:  database system is ready')).toBe('             gateway LOG:  database system is ready');
    },
  );
});

describe('the lines of a request', () => {
  const line = JSON.stringify({ ...entry, requestId: 'r-1', traceId: 'abc', path: '/r-2' });
  it.each([
    ['requestId', 'r-1', true],
    ['traceId', 'abc', true],
    ['requestId', 'abc', false],
    ['requestId', 'r-', false],
    ['requestId', 'r-2', false],
  ] as const)('%s %s -> %s', (field, id, expected) => {
    expect(belongsTo(line, { field, id })).toBe(expected);
  });

  it('what is no JSON -> belongs to none, and has no time', () => {
    expect(belongsTo('r-1', { field: 'requestId', id: 'r-1' })).toBe(false);
    expect([timeOf(line), timeOf('r-1')]).toEqual([Date.parse(entry.time), NaN]);
  });
});
