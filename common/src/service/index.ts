export { BackgroundWorker } from './background-worker.js';
export { packageVersion, stopInOrder, type RunningHost } from './host/index.js';
export { startService, type RunningService } from './service.js';
