import { describe, expect, it } from '@jest/globals';
import type { Request } from 'express';
import { InvalidInput } from '../../errors/index.js';
import { bodyOf, flag, optional, paramsOf, queryOf, rule, text, uuid, valid, withDefault } from './index.js';

// A validator reads nothing else of a request.
const requestWith = (parts: { params?: object; query?: object; body?: unknown }): Request =>
  ({ params: {}, query: {}, body: {}, ...parts }) as Request;
const ID = '0198C0DE-0000-7000-8000-000000000001';

const faultsOf = async (reading: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await reading.catch((reason: unknown) => reason);
  return error instanceof InvalidInput ? error.fields : error;
};

describe('a part of a request', () => {
  it('all fields are right -> parsed, those without a rule left out, the request as it was', async () => {
    const body = { name: '  A  ', open: true, more: 1 };
    const read = bodyOf({ name: text({ max: 5 }), open: flag(), notes: optional(text({ max: 5 })) });
    expect(await read(requestWith({ body }))).toEqual({ name: 'A', open: true, notes: undefined });
    expect(body).toEqual({ name: '  A  ', open: true, more: 1 });

    expect(paramsOf({ id: uuid() })(requestWith({ params: { id: ID } }))).toEqual({ id: ID.toLowerCase() });
    expect(queryOf({ page: withDefault(text({ max: 5 }), '1') })(requestWith({}))).toEqual({ page: '1' });
  });

  it('several are wrong -> a fault for each, in the order of the rules', async () => {
    const read = bodyOf({ name: text({ max: 5 }), open: flag(), id: uuid() });
    expect(await faultsOf(read(requestWith({ body: { name: '123456', id: 'x' } })))).toEqual([
      { field: 'name', message: 'must have 1 to 5 characters' },
      { field: 'open', message: 'is required' },
      { field: 'id', message: 'must be a UUID' },
    ]);
  });

  it('right or wrong -> each rule looks once', async () => {
    let looks = 0;
    const counted = rule({}, (value) => {
      looks++;
      return valid(value);
    });
    const read = bodyOf({ counted, open: flag() });
    await read(requestWith({ body: { counted: 1, open: true } }));
    expect(looks).toBe(1);
    await faultsOf(read(requestWith({ body: { counted: 1 } })));
    expect(looks).toBe(2);
  });

  it('several requests at once -> each gets its own', async () => {
    const read = bodyOf({ name: text({ max: 5 }) });
    const names = ['a', 'b', 'c'];
    expect(await Promise.all(names.map((name) => read(requestWith({ body: { name } }))))).toEqual(
      names.map((name) => ({ name })),
    );
  });

  it('no rules -> nothing is read, and a parameter is one too many', async () => {
    const read = async (query: object) => queryOf({})(requestWith({ query }));
    expect(await read({})).toEqual({});
    expect(await faultsOf(read({ a: '1' }))).toEqual([{ field: 'a', message: 'is not a known parameter' }]);
  });
});
