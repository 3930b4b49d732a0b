import { runProcess } from '@shop/common/service';
import { loadConfig } from './config.js';
import { startPaymentService } from './container.js';

await runProcess({
  environment: process.env,
  start: (environment) => startPaymentService(loadConfig(environment)),
  exit: (code) => process.exit(code),
});
