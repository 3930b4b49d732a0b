import config, { project } from './jest.config.js';

/**
 * Each alert under the fault that it is for, on a system of its own: `make test-alerts`. That a rule says what it should is
 * among the other tests, as promtool sees it.
 * @type {import('jest').Config}
 */
export default {
  ...config,
  projects: [
    {
      ...project('alerts', 'e2e/alerts'),
      testMatch: ['**/*.alerts.test.ts'],
      globalSetup: undefined,
      globalTeardown: undefined,
    },
  ],
  maxWorkers: 1,
};
