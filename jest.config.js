/**
 * One project for each workspace, so that `npm test -- --selectProjects order` runs the tests of one.
 * A project's tests use PostgreSQL and RabbitMQ servers that the global set-up starts once for all of them.
 * @type {(name: string, directory: string) => import('jest').Config}
 */
const project = (name, directory) => ({
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

/** @type {import('jest').Config} */
export default {
  projects: [
    project('common', 'common'),
    project('user', 'user-service'),
    project('order', 'order-service'),
    project('payment', 'payment-service'),
    project('gateway', 'gateway'),
    project('stack', 'stack'),
    project('chaos', 'e2e/chaos'),
    {
      ...project('e2e', 'e2e'),
      testMatch: ['**/*.e2e.test.ts'],
      globalSetup: '<rootDir>/e2e/support/global-setup.ts', // a whole system
      globalTeardown: '<rootDir>/e2e/support/global-teardown.ts',
    },
  ],
  coverageProvider: 'v8',
  collectCoverageFrom: ['*/src/**/*.ts', 'stack/**/*.ts', '!**/*.test.ts', '!**/generated/**', '!**/main.ts'],
  coverageDirectory: 'coverage',
  reporters: ['default', '<rootDir>/jest.summary-reporter.js'],
  testTimeout: 20_000,
  maxWorkers: '100%', // the tests wait for servers more than they compute
  workerIdleMemoryLimit: '1GB', // heaps grow with each file
};
