import { runProcess } from '@shop/common/process';
import { loadConfig } from './config.js';

await runProcess({
  environment: process.env,
  loadConfig,
  start: async (config) => (await import('./container.js')).startUserService(config),
  exit: (code) => process.exit(code),
});
