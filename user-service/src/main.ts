import { runProcess } from '@shop/common/process';
import { loadConfig } from './config.js';

await runProcess({
  environment: process.env,
  loadConfig,
  start: async (config, siblings) => (await import('./container.js')).startUserService(config, { siblings }),
  exit: (code) => process.exit(code),
});
