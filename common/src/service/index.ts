export { BackgroundWorker, type BackgroundWorkerOptions } from './background-worker.js';
export { createHost, packageVersion, type RunningHost } from './host.js';
export { runProcess, type RunningProcess } from './run-process.js';
export { startService, type RunningService } from './service.js';
export { stopInOrder } from './stop-in-order.js';
