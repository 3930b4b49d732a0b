import { runProcess } from '@shop/common/service';
import { loadConfig } from './config.js';
import { startGateway } from './container.js';

await runProcess({
  environment: process.env,
  start: (environment) => startGateway(loadConfig(environment)),
  exit: (code) => process.exit(code),
});
