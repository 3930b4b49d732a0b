import { runProcess } from '@shop/common/service';
import { loadConfig } from './config.js';
import { startOrderService } from './container.js';

await runProcess({
  environment: process.env,
  start: (environment) => startOrderService(loadConfig(environment)),
  exit: (code) => process.exit(code),
});
