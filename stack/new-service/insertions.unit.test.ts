import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from '../paths.ts';
import { insertions } from './insertions.ts';

const names = { name: 'catalog', title: 'Catalog', capitals: 'CATALOG', port: 8084, databasePort: 5435, host: 21 };
const all = insertions(names);

describe('what make new-service adds to files that stand', () => {
  it('the files -> seven', () => {
    expect(new Set(all.map(({ file }) => file)).size).toBe(7);
  });

  it.each([...new Set(all.map(({ file }) => file))])('%s -> each place is there once', (file) => {
    const text = readFileSync(path.join(repository, file), 'utf8');
    const places = all.filter((one) => one.file === file).map((one) => ('before' in one ? one.before : one.after));
    expect(places.filter((place) => text.split(place).length !== 2)).toEqual([]);
  });
});
