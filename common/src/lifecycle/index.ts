export { BackgroundWorker, type BackgroundWorkerOptions } from './background-worker.js';
export { runProcess, type RunningProcess } from './run-process.js';
export { stopInOrder } from './stop-in-order.js';
