import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '@shop/testing';

describe.each(['order-service', 'payment-service'])('the tables of %s', (serviceDirectory) => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createTestDatabase({ serviceDirectory });
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('a column that holds an amount -> its comment says that those are minor units', async () => {
    const { rows } = await client.query<{ name: string; comment: string | null }>(`
      SELECT attrelid::regclass || '.' || attname AS name, col_description(attrelid, attnum) AS comment
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND atttypid = 'bigint'::regtype
        AND attnum > 0 AND NOT attisdropped AND attidentity = ''`);
    const amounts = rows.filter(({ name }) => /amount|price|refund/.test(name));

    expect(amounts.length).toBeGreaterThan(1);
    expect(amounts.filter(({ comment }) => !comment?.includes('minor units'))).toEqual([]);
  });
});
