import { describe, expect, it } from '@jest/globals';
import { folderElsewhere } from './data-folder.ts';

describe('folderElsewhere', () => {
  it('any name of a working copy -> a path that every program takes, another one for each', () => {
    const names = [
      "John's shop",
      'プロジェクト',
      '50% off',
      'cost $5',
      'C#',
      '"quoted"',
      'a*[b]?',
      'back\\slash',
      'plain',
    ];
    const folders = names.map((name) => folderElsewhere(`/home/ada/${name}`, { uid: 1000, home: '/home/ada' }));
    for (const folder of folders) expect(folder).toMatch(/^\/home\/ada\/\.local\/state\/shop\/[\w.-]+-[0-9a-f]{8}$/);
    expect(new Set(folders).size).toBe(names.length);
    expect(folderElsewhere('/home/ada/a/shop', { uid: 1, home: '/h' })).not.toBe(
      folderElsewhere('/home/ada/b/shop', { uid: 1, home: '/h' }),
    );
  });

  it('root, a home with such a name, and one whose state is elsewhere -> where each can keep data', () => {
    const parentOf = (owner: Parameters<typeof folderElsewhere>[1]) =>
      folderElsewhere('/srv/C#', owner).split('/C--')[0];
    expect(parentOf({ uid: 0, home: '/root' })).toBe('/var/lib/shop');
    expect(parentOf({ uid: 7, home: '/home/Zoë' })).toBe('/var/tmp/shop-7');
    expect(parentOf({ uid: 7, home: '/home/Zoë', stateHome: '/data/state' })).toBe('/data/state/shop');
  });
});
