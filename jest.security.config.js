import config, { systemProject } from './jest.config.js';

/**
 * What takes minutes, and wants the machine for itself: `make test-security`. Its short forms are among the other tests.
 * @type {import('jest').Config}
 */
export default {
  ...config,
  projects: [systemProject('security', 'e2e/security', 'security')],
  testTimeout: 600_000,
  maxWorkers: 1,
};
