import { describe, expect, it } from '@jest/globals';
import { columnsOf } from './columns-of.js';

interface Book {
  id: string;
  writtenBy: string;
}
const ofModel = { id: 'id', writtenBy: 'writtenBy' } as const;

describe('the columns of a table', () => {
  it('the fields of its model -> each under its name', () => {
    expect(columnsOf<Book>()(ofModel)).toEqual({ id: 'id', writtenBy: 'written_by' });
    expect(columnsOf<Book>()(ofModel, { table: 'books' })).toEqual({ id: 'books.id', writtenBy: 'books.written_by' });
  });

  it('a field of the model that a row has not -> has to be named', () => {
    const withPrice = { ...ofModel, unitPrice: 'unitPrice' } as const;
    const columns = columnsOf<Book>()(withPrice, { others: ['unitPrice'] });
    expect(columns).toEqual({ id: 'id', writtenBy: 'written_by' });
    // @ts-expect-error `unitPrice` is neither a field of the row nor one of the others
    columnsOf<Book>()(withPrice);
  });

  it('a field of a row that the model has not -> does not compile', () => {
    // @ts-expect-error the model has no `title`
    columnsOf<Book & { title: string }>()(ofModel);
  });
});
