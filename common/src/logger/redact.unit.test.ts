import { describe, expect, it } from '@jest/globals';
import { redact } from './index.js';

describe('what goes into a log', () => {
  it('secrets by name, at any depth -> redacted', () => {
    expect(
      redact({ user: { password: 'p', refreshToken: 't', email: 'a@b.c' }, headers: [{ Authorization: 'x' }] }),
    ).toEqual({
      user: { password: '[redacted]', refreshToken: '[redacted]', email: 'a@b.c' },
      headers: [{ Authorization: '[redacted]' }],
    });
  });

  it('secrets by form, inside text -> redacted', () => {
    const text =
      'Bearer abc.def, eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.sig, postgresql://postgres:hunter2@db/user, redis://:hunter3@db';
    expect(redact(text)).toBe(
      'Bearer [redacted], [redacted], postgresql://postgres:[redacted]@db/user, redis://:[redacted]@db',
    );
  });

  it('an error -> name, message, stack and causes, its secrets redacted', () => {
    const error = new Error('connecting to amqp://guest:guest@host failed', { cause: new TypeError('inner') });
    expect(redact({ err: error })).toMatchObject({
      err: {
        name: 'Error',
        message: 'connecting to amqp://guest:[redacted]@host failed',
        stack: expect.stringContaining('redact.unit.test'),
        cause: { name: 'TypeError', message: 'inner' },
      },
    });
  });

  it('an error of the database -> without the row that it quotes and the connection that it came by', () => {
    const client = { connectionParameters: { user: 'postgres' } };
    const meta = { cause: { detail: 'Failing row contains (a@b.c)' } };
    const error = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (email)=(a@b.c)',
      client,
      meta,
    });
    expect(redact(error)).toEqual({
      name: 'Error',
      message: 'duplicate key',
      stack: expect.anything(),
      code: '23505',
      detail: '[redacted]',
      meta: { cause: { detail: '[redacted]' } },
    });
  });

  it('cycles, bigints, buffers and dates -> plain and bounded', () => {
    const cycle: Record<string, unknown> = { amount: 12n, body: Buffer.from('abc'), at: new Date(0) };
    cycle.self = cycle;
    expect(JSON.stringify(redact(cycle))).toContain('"[too deep]"');
    expect(redact(cycle)).toMatchObject({ amount: '12', body: '[3 bytes]', at: '1970-01-01T00:00:00.000Z' });
  });
});
