import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * One project for each workspace, so that `npm test -- --selectProjects order` runs the tests of one.
 * A project's tests use PostgreSQL and RabbitMQ servers that the global set-up starts once for all of them.
 * @type {(name: string, directory: string) => import('jest').Config}
 */
export const project = (name, directory) => ({
  displayName: name,
  rootDir: import.meta.dirname,
  roots: [`<rootDir>/${directory}`],
  testMatch: ['**/*.unit.test.ts', '**/*.int.test.ts'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] }, // @shop/common from its source
  modulePathIgnorePatterns: ['<rootDir>/[^/]+/dist/', '<rootDir>/\\.native/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' }, // TypeScript's './x.js' is x.ts
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  globalSetup: '<rootDir>/jest.global-setup.ts',
  globalTeardown: '<rootDir>/jest.global-teardown.ts',
});

/**
 * A project whose tests use a whole running system, which the folder's global set-up starts.
 * @type {(name: string, directory: string, kind: string) => import('jest').Config}
 */
export const systemProject = (name, directory, kind) => ({
  ...project(name, directory),
  testMatch: [`**/*.${kind}.test.ts`],
  globalSetup: `<rootDir>/${directory}/support/global-setup.ts`,
  globalTeardown: '<rootDir>/e2e/support/global-teardown.ts',
});

/**
 * A project whose tests need none of those servers.
 * @type {(name: string, directory: string) => import('jest').Config}
 */
const alone = (name, directory) => ({
  ...project(name, directory),
  globalSetup: undefined,
  globalTeardown: undefined,
});

/** @type {import('jest').Config} */
export default {
  projects: [
    project('common', 'common'),
    project('testing', 'testing'),
    ...globSync('*-service', { cwd: import.meta.dirname }).map((name) => project(name.replace(/-service$/, ''), name)),
    project('gateway', 'gateway'),
    project('stack', 'stack'),
    alone('nginx', 'nginx'), // no database, no broker
    alone('perf', 'perf'),
    project('chaos', 'e2e/chaos'),
    {
      ...systemProject('e2e', 'e2e', 'e2e'),
      setupFilesAfterEnv: ['<rootDir>/e2e/support/described-answers.ts'],
    },
    { ...alone('alerts', 'e2e/alerts'), testMatch: ['**/*.alerts.test.ts'] }, // on a system of its own, which it breaks
  ],
  coverageProvider: 'v8',
  collectCoverageFrom: ['*/src/**/*.ts', 'stack/**/*.ts', '!**/*.test.ts', '!**/generated/**', '!**/main.ts'],
  coverageDirectory: 'coverage',
  reporters: ['default', '<rootDir>/jest.summary-reporter.js'],
  testTimeout: 600_000, // five times what a test waits for one thing: it fails there, with a reason; a start has ten minutes
  testSequencer: '<rootDir>/jest.sequencer.js',
  maxWorkers: availableParallelism() + 1, // the tests wait for servers more than they compute
  workerIdleMemoryLimit: '1GB', // heaps grow with each file
};
