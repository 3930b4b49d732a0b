import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from '../paths.ts';
import { insertions } from './insertions.ts';

const all = insertions({ name: 'catalog', port: 8084, databasePort: 5435, host: 21 });
const files = [...new Set(all.map(({ file }) => file))];

describe('what make new-service adds to files that stand', () => {
  it('the files -> seven, and those of k8s/', () => {
    expect(files.filter((file) => !file.startsWith('k8s/'))).toHaveLength(7);
  });

  it.each(files)('%s -> each place is there once', (file) => {
    const text = readFileSync(path.join(repository, file), 'utf8');
    const places = all.filter((one) => one.file === file).map(({ place }) => place);
    expect(places.filter((place) => text.split(place).length !== 2)).toEqual([]);
  });
});
