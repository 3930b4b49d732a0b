import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { baseEnvironment } from '../environment.ts';
import { ensureInstalled, findExecutable } from '../packages.ts';
import { enableBrotli } from './nginx-brotli.ts';

let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-brotli-'));
  chmodSync(directory, 0o755);
  await ensureInstalled(['nginx'], directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

const enable = (nginx: string, modules: string) =>
  enableBrotli({ nginx, directory, environment: baseEnvironment(), modules });
const isOn = () => existsSync(path.join(directory, 'extra/brotli.conf'));
/** Stands for an nginx that takes its configuration only where `condition` holds of its arguments. */
function nginxThat(condition: string): string {
  const file = path.join(directory, 'nginx');
  writeFileSync(file, `#!/bin/sh\ncase "$*" in ${condition}) exit 0 ;; *) exit 1 ;; esac\n`, { mode: 0o755 });
  return file;
}

it('the module is there and fits -> loaded, and brotli is on; gone at the next start -> nothing is left of it', () => {
  const modules = path.join(directory, 'modules');
  mkdirSync(modules);
  writeFileSync(path.join(modules, 'ngx_http_brotli_filter_module.so'), '');
  const directive = `load_module "${modules}/ngx_http_brotli_filter_module.so";`;
  expect([enable(nginxThat('*load_module*'), modules), isOn()]).toEqual([directive, true]);
  rmSync(modules, { recursive: true });
  expect([enable(nginxThat('*load_module*'), modules), isOn()]).toEqual(['', false]);
});

it('built into nginx -> on, and nothing to load', () => {
  expect([enable(nginxThat('*'), directory), isOn()]).toEqual(['', true]);
});

it('a module that this nginx can not load -> off, and nginx starts without it', () => {
  const modules = path.join(directory, 'broken');
  mkdirSync(modules);
  writeFileSync(path.join(modules, 'ngx_http_brotli_filter_module.so'), 'of another version');
  expect([enable(findExecutable('nginx') ?? 'nginx', modules), isOn()]).toEqual(['', false]);
});
