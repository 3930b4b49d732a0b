import config, { project } from './jest.config.js';

/**
 * The system in containers, built and started with Docker Compose: `make test-compose`. Skipped where there is no Docker.
 * @type {import('jest').Config}
 */
export default {
  ...config,
  projects: [
    {
      ...project('compose', 'e2e/compose'),
      testMatch: ['**/*.compose.test.ts'],
      globalSetup: '<rootDir>/e2e/compose/support/global-setup.ts',
      globalTeardown: '<rootDir>/e2e/compose/support/global-teardown.ts',
    },
  ],
  testTimeout: 600_000, // images are built, and eleven containers started, on a machine of any size
  maxWorkers: 1,
};
