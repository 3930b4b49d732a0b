import './load-graphql.js'; // first: what the others import loads graphql, too
import { runProcess } from '@shop/common/process';
import { loadConfig } from './config.js';

await runProcess({
  environment: process.env,
  loadConfig,
  start: async (config, siblings) => (await import('./container.js')).startGateway(config, siblings),
  exit: (code) => process.exit(code),
});
