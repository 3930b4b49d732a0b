import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { locatePostgres } from './postgres-installation.ts';

let npmPackage: string;
beforeEach(() => {
  npmPackage = mkdtempSync(path.join(tmpdir(), 'postgres-'));
  chmodSync(npmPackage, 0o755); // as root, servers run as users of their own
  mkdirSync(path.join(npmPackage, 'native/bin'), { recursive: true });
  mkdirSync(path.join(npmPackage, 'native/lib'));
  const program = path.join(npmPackage, 'native/bin/postgres');
  writeFileSync(program, '#!/bin/sh\necho "postgres (PostgreSQL) 18.4"\n', { mode: 0o755 });
});
afterEach(() => rmSync(npmPackage, { recursive: true }));

it('PG_BIN in an npm package whose install script has not run -> its libraries are linked, and linked once', () => {
  const links = [{ source: 'native/lib/libicuuc.so.60.2', target: 'native/lib/libicuuc.so.60' }];
  writeFileSync(path.join(npmPackage, 'native/pg-symlinks.json'), JSON.stringify(links));
  for (let times = 0; times < 2; times++) {
    locatePostgres({ PG_BIN: path.join(npmPackage, 'native/bin') }, npmPackage);
    expect(readlinkSync(path.join(npmPackage, 'native/lib/libicuuc.so.60'))).toBe('libicuuc.so.60.2');
  }
});

it('PG_BIN in no npm package -> taken as it is', () => {
  const binaries = path.join(npmPackage, 'native/bin');
  expect(locatePostgres({ PG_BIN: binaries }, npmPackage)).toMatchObject({ binaries });
});
