export { BackgroundWorker } from './background-worker.js';
export { createHost, packageVersion, type RunningHost } from './host.js';
export { startService, type RunningService } from './service.js';
export { stopInOrder } from './stop-in-order.js';
