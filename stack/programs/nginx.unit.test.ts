import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { removeFilesOfOthers } from './nginx.ts';

it('what nginx has kept -> removed where its workers had another user, else it stays', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'shop-nginx-'));
  const folders = ['cache/0', 'proxy/2', 'client-body/3'].map((name) => path.join(directory, name));
  for (const folder of folders) mkdirSync(path.join(folder, 'ab'), { recursive: true });
  const { uid } = userInfo();
  removeFilesOfOthers(uid, directory);
  expect(folders.map((folder) => existsSync(folder))).toEqual([true, true, true]);
  removeFilesOfOthers(uid + 1, directory);
  expect(folders.map((folder) => existsSync(folder))).toEqual([false, false, false]);
  rmSync(directory, { recursive: true });
});
