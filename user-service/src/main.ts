import { runProcess } from '@shop/common/service';
import { loadConfig } from './config.js';
import { startUserService } from './container.js';

await runProcess({
  environment: process.env,
  start: (environment) => startUserService(loadConfig(environment)),
  exit: (code) => process.exit(code),
});
