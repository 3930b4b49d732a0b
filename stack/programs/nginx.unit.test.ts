import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { removeFilesOf } from './nginx.ts';

it('what nginx has kept -> removed where it belongs to the user whose workers are gone, else it stays', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'shop-nginx-'));
  const folders = ['cache/0', 'proxy/2', 'client-body/3'].map((name) => path.join(directory, name));
  for (const folder of folders) mkdirSync(path.join(folder, 'ab'), { recursive: true });
  const { uid } = userInfo();
  removeFilesOf(uid + 1, directory);
  expect(folders.map((folder) => existsSync(folder))).toEqual([true, true, true]);
  removeFilesOf(uid, directory);
  expect(folders.map((folder) => existsSync(folder))).toEqual([false, false, false]);
  rmSync(directory, { recursive: true });
});
