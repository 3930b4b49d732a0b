import { describe, expect, it } from '@jest/globals';
import { sqltag as sql } from '@prisma/client/runtime/client';
import { fixedStatement, type Given } from './fixed-statement.js';

interface Book {
  title: string;
  pages: number;
}

describe('a statement that is put together once', () => {
  it('run with different input -> the same text, the values of each run', () => {
    const find = fixedStatement<Book>(
      (given) => sql`SELECT ${given(({ pages }) => pages)}, ${given(({ title }) => title)}`,
    );
    expect(find({ title: 'A', pages: 1 })).toEqual({ text: 'SELECT $1, $2', values: [1, 'A'] });
    expect(find({ title: 'B', pages: 2 })).toEqual({ text: 'SELECT $1, $2', values: [2, 'B'] });
  });

  it('with parts that were made before, values that never change and one that is used twice -> each in its place', () => {
    const withTitle = (given: Given<string>) => sql`title = ${given((title) => title)}`;
    const find = fixedStatement<Book>((given) => {
      const part = withTitle((read) => given(({ title }) => read(title)));
      const pages = given((book) => book.pages);
      return sql`SELECT ${pages} WHERE pages > ${pages} AND ${part} LIMIT ${10}`;
    });
    const text = 'SELECT $1 WHERE pages > $2 AND title = $3 LIMIT $4';
    expect(find({ title: 'A', pages: 1 })).toEqual({ text, values: [1, 1, 'A', 10] });
  });

  it('input that is missing -> null or undefined as it was read', () => {
    const find = fixedStatement<{ title: string | null; pages?: number }>(
      (given) => sql`SELECT ${given(({ title }) => title)}, ${given(({ pages }) => pages)}`,
    );
    expect(find({ title: null }).values).toEqual([null, undefined]);
  });
});
